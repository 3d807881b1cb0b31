"""btql beside what its users would pick instead: the same documents, the same questions, in one run.

Read in this order:

1. ``system``: what every system can do, btql included: load a file, answer a question, say how large it is.
2. ``question``: a question without words: which columns answer it, and when two answers are the same.
3. ``recipe``: how one system is told about one suite: its tables, and the questions in its own words.
4. ``rivals``: one module for each system.
5. ``spans``: the suite over generated spans: data, questions, and a recipe for each system. Other suites look alike.
6. ``worker``: a process with one system in it, which measures; ``runner``: asks all of them in turn.
7. ``report`` and ``chart``: a table, JSON, and a picture in docs/benchmarks.

``python -m benchmarks.beside --help`` (with tests/ in PYTHONPATH), or ``make bench-beside``.
"""

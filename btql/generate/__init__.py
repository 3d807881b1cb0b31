"""A generator of AI traces: seeded, fast, and close to what real applications log.

It feeds the demo, the tests and the benchmarks. The same profile, number of
spans and seed give the same bytes on any machine and in any later run.

Read in this order:

1. ``profile``: how large spans and traces are: ``small``, ``real``, ``wide``.
2. ``dice``: the only source of chance.
3. ``planted``: rare words and phrases with known frequencies, for search tests.
4. ``vocabulary``: text in several scripts, cut from prepared pools.
5. ``cast``: models, users, applications, tags, and odd metadata names.
6. ``trace``: the plan of one trace: which spans, when, how large, failing or not.
7. ``payload`` and ``metadata``: the JSON of inputs, outputs and metadata.
8. ``events``: two or three write events per span, rendered from the plan.
9. ``late``: what is said about a span long after it ended: feedback, corrections, deletes.
10. ``stream``: many traces at once, in order of arrival: ``generate``.
11. ``writer``: into a file, plain or compressed: ``write``.
"""

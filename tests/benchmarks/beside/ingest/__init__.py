"""How fast spans go in, and what is left for questions meanwhile.

1. ``writers``: the same events, a thousand a batch, each batch durable before the next: btql beside other systems.
2. ``compacting``: what btql then makes of them, per second and per second of a core.
3. ``mixed``: the questions of the suite ``spans`` on an idle database, while events come in at a fixed rate, and while
   everything is exported.
4. ``command``: all three, and their page in docs/benchmarks.

``make bench-beside ARGS=ingest``
"""

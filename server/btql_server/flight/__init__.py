"""Flight SQL: statements and rows in Arrow's own encoding, for ADBC, JDBC and ``pyarrow.flight``.

1. ``protobuf`` and ``messages``: what Flight SQL's commands look like on the wire.
2. ``server``: the calls of Flight, each handed to whoever knows its command, which ``commands`` reads; ``actions`` are
   what is no transfer of rows.
3. ``statements``: from a text to a schema, a ticket and rows; ``tickets`` and ``prepared`` keep what waits between two
   calls; ``parameters`` are values from Arrow columns.
4. ``ingesting``: rows of an upload become events; ``documents`` says how.
5. ``metadata``, ``sql_info``, ``type_info``: what is there, and what the server can do.
6. ``callers``: who asks, and the line in the log; ``refusals``: errors as Flight has them.
7. ``listener``: the server as a part of a worker.

pyarrow calls handlers on threads of gRPC. Whatever plans or runs a statement goes on to the worker's pools, as over
HTTP: their threads have stacks for deep queries, and they bound how much is done at once.
"""

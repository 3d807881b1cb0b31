"""``pg_catalog`` and ``information_schema``: what clients of Postgres ask before and beside their queries.

psql's commands, drivers, dashboards and reflection read dozens of system tables, with everything that Postgres' SQL
has. These statements are answered by a small DuckDB in memory, whose rows are made from the tables that whoever asks
may read (:mod:`btql.tables`), and from nothing else.

1. :mod:`.about` tells from the text alone whether a statement is about the catalog. Nothing else is loaded for it.
2. :mod:`.shortcut` answers what drivers ask all the time, without DuckDB.
3. :mod:`.reader` parses everything else with sqlglot and lets through what only reads; :mod:`.rewrite` turns it from
   Postgres' dialect into DuckDB's.
4. :mod:`.engine` runs it, within bounds of memory and time; files, network and settings are out of its reach.

The relations are declared in ``relations.txt``, what is in them in ``contents.sql``, the functions in ``macros.sql``.
"""

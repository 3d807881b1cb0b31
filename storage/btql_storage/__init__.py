"""Events in, snapshots out: the storage of btql.

Start reading at :mod:`btql_storage.store`, the facade. The write path runs
ingest -> wal -> process -> compaction -> part; the read path is
:mod:`btql_storage.snapshot` over parts and :mod:`btql_storage.tail`.
"""

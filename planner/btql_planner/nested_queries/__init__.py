"""What becomes of queries that stand inside of others (docs/adr/0012-subqueries-as-joins.md).

The rules ``join_subqueries`` and ``flatten_laterals`` come here with the plans that have any; most have none.
"""

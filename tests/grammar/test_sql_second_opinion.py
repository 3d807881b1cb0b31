"""Queries as they are typed at a Postgres prompt: read whole, with the parts that sqlglot finds in them.

sqlglot has nothing to do with our parser, so the two do not forget the same things.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlglot
from sqlglot import exp

from btql_grammar import tree
from btql_grammar.depth import Node, children
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_sql

QUERIES = {
    "sessions": """
        WITH marked AS (
            SELECT user_id, created, created - lag(created) OVER (PARTITION BY user_id ORDER BY created) AS gap
            FROM events
        ), counted AS (
            SELECT *, sum(CASE WHEN gap > 30 THEN 1 ELSE 0 END) OVER (
                PARTITION BY user_id ORDER BY created ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS session
            FROM marked
        )
        SELECT user_id, session, min(created) AS began, max(created) AS ended, count(*) AS n
        FROM counted GROUP BY user_id, session HAVING count(*) > 1
        ORDER BY n DESC NULLS LAST, user_id LIMIT 20 OFFSET 40
    """,
    "tree": """
        WITH RECURSIVE below (id, parent, level) AS (
            SELECT span_id, parent_id, 0 FROM spans WHERE parent_id IS NULL
            UNION ALL
            SELECT s.span_id, s.parent_id, b.level + 1
            FROM spans s JOIN below b ON s.parent_id = b.id WHERE b.level < 10
        )
        SELECT level, count(DISTINCT id) FROM below GROUP BY 1 ORDER BY 1
    """,
    "latest": """
        SELECT DISTINCT ON (t.user_id) t.user_id, t.id, u.name
        FROM traces AS t LEFT OUTER JOIN users u USING (user_id), LATERAL (
            SELECT max(s.created) AS last FROM spans s WHERE s.trace_id = t.id
        ) AS l
        WHERE t.created >= TIMESTAMP '2026-01-01 00:00:00' AND (u.deleted IS NOT TRUE OR u.id IS NULL)
        ORDER BY t.user_id, t.created DESC
    """,
    "json": """
        SELECT metadata ->> 'model' AS model, (metadata -> 'usage' ->> 'tokens')::numeric(12, 2) AS tokens,
               metadata #>> '{user,name}' AS name, coalesce(nullif(trim(metadata ->> 'team'), ''), 'none') AS team
        FROM logs
        WHERE metadata @> '{"env": "prod"}'::jsonb AND metadata ->> 'model' ILIKE ANY (ARRAY['gpt%', 'claude%'])
          AND NOT (metadata ->> 'kind' ~* '^test' OR metadata ->> 'kind' SIMILAR TO '(a|b)%')
    """,
    "shares": """
        SELECT model, date_trunc('day', created) AS day, count(*) FILTER (WHERE error IS NOT NULL) AS failed,
               round(100.0 * count(*) / sum(count(*)) OVER w, 1) AS share,
               rank() OVER (w ORDER BY count(*) DESC) AS place,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY latency) AS p95, string_agg(DISTINCT name, ', ') AS names
        FROM logs WHERE created BETWEEN now() - INTERVAL '7 days' AND now() AND extract(dow FROM created) NOT IN (0, 6)
        GROUP BY GROUPING SETS ((model, date_trunc('day', created)), (model), ())
        WINDOW w AS (PARTITION BY date_trunc('day', created))
        ORDER BY 2, 4 DESC
    """,
    "sets": """
        (SELECT id FROM a EXCEPT SELECT id FROM b) UNION ALL (SELECT id FROM c INTERSECT SELECT id FROM d)
        ORDER BY id FETCH FIRST 5 ROWS ONLY
    """,
    "correlated": """
        SELECT a.id, (SELECT count(*) FROM b WHERE b.a_id = a.id) AS n FROM a
        WHERE EXISTS (SELECT 1 FROM c WHERE c.a_id = a.id AND c.score > ALL (SELECT score FROM d WHERE d.a_id = a.id))
          AND (a.x, a.y) IN (SELECT x, y FROM e) AND a.kind = ANY (ARRAY['p', 'q'])
    """,
    "values": """
        SELECT v.n, s.i, v.n || '-' || s.i::text AS label
        FROM (VALUES (1, 'one'), (2, 'two')) AS v (n, word) CROSS JOIN generate_series(1, 3) AS s (i)
        FULL JOIN words AS w ON w.word = v.word NATURAL JOIN others
        WHERE substring(v.word FROM 1 FOR 2) <> overlay('ab' PLACING 'x' FROM 1) AND position('o' IN v.word) > 0
    """,
}


def parts(node: Node) -> list[Node]:
    return [node, *(inner for child in children(node) for inner in parts(child))]


def is_over(node: exp.Expr) -> bool:
    """A window that a call is over, not one that WINDOW names."""
    return isinstance(node, exp.Window) and not isinstance(node.this, exp.Identifier)


COUNTS: dict[str, tuple[Callable[[Node], bool], Callable[[exp.Expr], bool]]] = {
    "joins": (lambda n: isinstance(n, tree.Join), lambda n: isinstance(n, exp.Join)),
    "common tables": (lambda n: isinstance(n, tree.CommonTable), lambda n: isinstance(n, exp.CTE)),
    "set operations": (lambda n: isinstance(n, tree.SetOperation), lambda n: isinstance(n, exp.SetOperation)),
    "windows": (lambda n: isinstance(n, tree.Call) and n.window is not None, is_over),
    "selects": (lambda n: isinstance(n, tree.Query), lambda n: isinstance(n, exp.Select)),
    "sort keys": (lambda n: isinstance(n, tree.SortItem), lambda n: isinstance(n, exp.Ordered)),
    "filters": (lambda n: isinstance(n, tree.Call) and n.filter is not None, lambda n: isinstance(n, exp.Filter)),
    "choices": (lambda n: isinstance(n, tree.If), lambda n: isinstance(n, exp.Case)),
    "EXISTS": (lambda n: isinstance(n, tree.Exists), lambda n: isinstance(n, exp.Exists)),
}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("what", COUNTS)
def test_same_parts(name: str, what: str) -> None:
    ours, theirs = COUNTS[what]
    second = sqlglot.parse_one(QUERIES[name], dialect="postgres")
    assert sum(map(ours, parts(parse(QUERIES[name])))) == sum(map(theirs, second.walk()))


@pytest.mark.parametrize("name", QUERIES)
def test_they_come_back(name: str) -> None:
    read = parse(QUERIES[name])
    assert parse(print_sql(read)) == read

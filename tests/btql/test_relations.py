"""Queries over several relations, on values of mixed kinds: the expected rows are written by hand.

Each runs in three states of the storage: all rows in the log, half of them in parts, all in parts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import btql
from btql.database import Database
from btql_planner.rules import OPTIONAL
from btql_storage.store import Storage

A = [
    {
        "id": "a1", "span_id": "s1", "root_span_id": "s1", "tags": ["p", "q"], "scores": {"f": 0.5}, "input": "hello",
        "metadata": {"model": "x", "n": 1, "u": "1"},
    },
    {
        "id": "a2", "span_id": "s2", "root_span_id": "s1", "span_parents": ["s1"],
        "metadata": {"model": "y", "n": "1", "u": 1}, "input": {"k": [1, "1", None, True, {"z": 2}]},
    },
    {
        "id": "a3", "span_id": "s3", "root_span_id": "s3", "tags": [], "scores": {"f": 1, "g": None, "h": 0.25},
        "metadata": {"model": "x", "n": True}, "input": "long " * 400,
    },
    {
        "id": "a4", "span_id": "s4", "root_span_id": "s4", "tags": ["q"],
        "metadata": {"model": None, "n": 2.5, "big": 9007199254740993},
    },
]  # fmt: skip
B = [
    {"id": "b1", "metadata": {"ref": "a1", "v": 10, "n": 1}},
    {"id": "b2", "metadata": {"ref": "a2", "v": 20, "n": "x"}},
    {"id": "b3", "metadata": {"ref": "a2", "v": 21, "n": None}},
    {"id": "b4", "metadata": {"ref": "zz", "v": None, "n": True}},
]
C = [{"id": "c1", "metadata": {"v": 5}}]

Rows = list[tuple[object, ...]]
CASES: dict[str, tuple[str, Rows]] = {
    # Derived tables and common tables.
    "derived table": (
        (
            "SELECT d.model, d.id FROM (SELECT id, metadata.model FROM a WHERE metadata.model IS NOT NULL) AS d"
            " ORDER BY id"
        ),
        [("x", "a1"), ("y", "a2"), ("x", "a3")],
    ),
    "derived table with names of its own": (
        "SELECT k, n FROM (SELECT metadata.model, count(*) FROM a GROUP BY 1) AS d (k, n) ORDER BY k",
        [("x", 2), ("y", 1), (None, 1)],
    ),
    "a value keeps its kind through a derived table": (
        "SELECT n FROM (SELECT id, metadata.n FROM a) AS d ORDER BY id",
        [(1,), ("1",), (True,), (2.5,)],
    ),
    "a document through a derived table": (
        "SELECT len(x) AS n FROM (SELECT id, input AS x FROM a) AS d WHERE d.id = 'a3'",
        [(2000,)],
    ),
    "a path into a derived column": (
        "SELECT d.m.model FROM (SELECT id, metadata AS m FROM a) AS d ORDER BY id",
        [("x",), ("y",), ("x",), (None,)],
    ),
    "common tables that read one another": (
        (
            "WITH x AS (SELECT id, metadata.model AS m FROM a), y (k) AS (SELECT m FROM x WHERE id > 'a1')"
            " SELECT x.id, y.k FROM x JOIN y ON x.m = y.k ORDER BY 1, 2"
        ),
        [("a1", "x"), ("a2", "y"), ("a3", "x")],
    ),
    "limit inside": (
        "SELECT max(id) AS m FROM (SELECT id FROM a ORDER BY id LIMIT 2) AS d",
        [("a2",)],
    ),
    "the order of a query inside is that of one that asks for none": (
        "SELECT m FROM (SELECT metadata.model AS m, id FROM a ORDER BY id DESC) AS d LIMIT 3",
        [(None,), ("x",), ("y",)],
    ),
    "an order by what is not selected": (
        "WITH x AS (SELECT tags FROM a ORDER BY metadata.n DESC, id), y AS (SELECT * FROM x) SELECT * FROM y",
        [(None,), (["q"],), (["p", "q"],), ([],)],
    ),
    # Joins.
    "inner join": (
        "SELECT a.id, b.id AS other, b.metadata.v FROM a JOIN b ON b.metadata.ref = a.id ORDER BY 2",
        [("a1", "b1", 10), ("a2", "b2", 20), ("a2", "b3", 21)],
    ),
    "left join": (
        "SELECT a.id, b.id AS other FROM a LEFT JOIN b ON b.metadata.ref = a.id AND b.metadata.v > 10 ORDER BY 1, 2",
        [("a1", None), ("a2", "b2"), ("a2", "b3"), ("a3", None), ("a4", None)],
    ),
    "right join": (
        "SELECT a.id, b.id AS other FROM a RIGHT JOIN b ON b.metadata.ref = a.id ORDER BY 2",
        [("a1", "b1"), ("a2", "b2"), ("a2", "b3"), (None, "b4")],
    ),
    "full join": (
        "SELECT a.id, b.id AS other FROM a FULL JOIN b ON b.metadata.ref = a.id ORDER BY 1, 2",
        [("a1", "b1"), ("a2", "b2"), ("a2", "b3"), ("a3", None), ("a4", None), (None, "b4")],
    ),
    "what all rows of an object have is null where a join has no row": (
        "SELECT a.id, b.experiment_id AS b FROM a LEFT JOIN b ON b.metadata.ref = a.id WHERE a.id > 'a1' ORDER BY 1, 2",
        [("a2", "b"), ("a2", "b"), ("a3", None), ("a4", None)],
    ),
    "what all rows of an object have tells where a join has no row": (
        "SELECT a.id, b.id AS b FROM a FULL JOIN b ON b.metadata.ref = a.id WHERE a.log_id IS NULL",
        [(None, "b4")],
    ),
    "times and documents of no rows": (
        "SELECT c - c AS d, i FROM (SELECT created AS c, input AS i FROM a WHERE id > 'z' LIMIT 1) AS q",
        [],
    ),
    "a left join finds the rows without a partner": (
        "SELECT a.id FROM a LEFT JOIN b ON b.metadata.ref = a.id WHERE b.id IS NULL ORDER BY 1",
        [("a3",), ("a4",)],
    ),
    "comma join on values of several kinds": (
        "SELECT a.id, b.id AS other FROM a, b WHERE b.metadata.n = a.metadata.n ORDER BY 1",
        [("a1", "b1"), ("a2", "b1"), ("a3", "b4")],
    ),
    "using": (
        "SELECT x.id, y.id AS other, root_span_id FROM a AS x JOIN a AS y USING (root_span_id) WHERE x.id < y.id",
        [("a1", "a2", "s1")],
    ),
    "using in a full join takes the side that is there": (
        (
            "SELECT k FROM (SELECT id AS k FROM a WHERE id < 'a3') AS l FULL JOIN (SELECT id AS k FROM a WHERE"
            " id > 'a1') AS r"
            " USING (k) ORDER BY 1"
        ),
        [("a1",), ("a2",), ("a3",), ("a4",)],
    ),
    "natural": (
        "SELECT * FROM (SELECT id, metadata.n FROM a) AS q NATURAL JOIN (SELECT id, tags FROM a) AS r ORDER BY id",
        [("a1", 1, ["p", "q"]), ("a2", "1", None), ("a3", True, []), ("a4", 2.5, ["q"])],
    ),
    "stars of both sides": (
        (
            "SELECT r.*, q.* EXCLUDE (n) FROM (SELECT id, metadata.n FROM a) AS q JOIN (SELECT id FROM a) AS r"
            " ON q.id = r.id"
            " WHERE r.id = 'a2'"
        ),
        [("a2", "a2")],
    ),
    "stars of one relation twice": ("SELECT a.*, a.* FROM (SELECT 1 AS x) AS a", [(1, 1)]),
    "documents of both sides": (
        "SELECT a.input, b.metadata FROM a JOIN b ON b.metadata.ref = a.id WHERE a.input LIKE 'hel%'",
        [("hello", {"ref": "a1", "v": 10, "n": 1})],
    ),
    "documents of the rows that a limit leaves": (
        (
            "SELECT a.input, len(a.input) AS n, b.metadata FROM a FULL JOIN b ON b.metadata.ref = a.id"
            " ORDER BY a.id DESC, b.id LIMIT 3 OFFSET 2"
        ),
        [
            ({"k": [1, "1", None, True, {"z": 2}]}, 1, {"ref": "a2", "v": 20, "n": "x"}),
            ({"k": [1, "1", None, True, {"z": 2}]}, 1, {"ref": "a2", "v": 21, "n": None}),
            ("hello", 5, {"ref": "a1", "v": 10, "n": 1}),
        ],
    ),
    "documents of rows without a partner": (
        "SELECT b.metadata AS m, a.input FROM a LEFT JOIN b ON b.metadata.ref = a.id ORDER BY a.id DESC LIMIT 1",
        [(None, None)],
    ),
    "aggregates over a join": (
        (
            "SELECT a.metadata.model, count(b.id) AS n, sum(b.metadata.v) AS v FROM a LEFT JOIN b ON"
            " b.metadata.ref = a.id"
            " GROUP BY 1 ORDER BY 1"
        ),
        [("x", 1, 10), ("y", 2, 41), (None, 0, None)],
    ),
    "three relations": (
        (
            "SELECT a.id, b.id AS b, c.id AS c FROM a JOIN b ON b.metadata.ref = a.id JOIN experiment('c') AS c"
            " ON c.metadata.v < b.metadata.v WHERE a.id = 'a2' ORDER BY 2"
        ),
        [("a2", "b2", "c1"), ("a2", "b3", "c1")],
    ),
    # Several objects as one source.
    "several objects": (
        "SELECT experiment_id, count(*) AS n, max(metadata.v) AS v FROM experiment('b', 'c') GROUP BY 1 ORDER BY 1",
        [("b", 4, 21), ("c", 1, 5)],
    ),
    "one of several objects": (
        "SELECT id, experiment_id FROM experiment('b', 'c') WHERE experiment_id = 'c'",
        [("c1", "c")],
    ),
    "a bare name with its kind": ('SELECT count(*) AS n FROM project_logs."a"', [(4,)]),
    "a name with the kind and the name of its object": (
        (
            "SELECT project_logs.a.id, project_logs.a.metadata.model FROM project_logs.a"
            " JOIN experiment.b ON experiment.b.metadata.ref = project_logs.a.id"
            " WHERE EXISTS (SELECT 1 FROM experiment.c WHERE project_logs.a.id = 'a2') ORDER BY experiment.b.id LIMIT 1"
        ),
        [("a2", "y")],
    ),
    "a name with a kind where the object has another name": (
        "SELECT project_logs.a.id FROM project_logs.a AS x LIMIT 1",
        [(None,)],
    ),
    # Subqueries.
    "exists": (
        "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.metadata.ref = a.id) ORDER BY id",
        [("a1",), ("a2",)],
    ),
    "not exists": (
        "SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.metadata.ref = a.id) ORDER BY id",
        [("a3",), ("a4",)],
    ),
    "in": ("SELECT id FROM a WHERE id IN (SELECT metadata.ref FROM b) ORDER BY id", [("a1",), ("a2",)]),
    "not in": ("SELECT id FROM a WHERE id NOT IN (SELECT metadata.ref FROM b) ORDER BY id", [("a3",), ("a4",)]),
    "not in beside a null": ("SELECT id FROM a WHERE id NOT IN (SELECT metadata.n FROM b)", []),
    "a null is not in, unless there is nothing": (
        "SELECT id FROM a WHERE metadata.model NOT IN (SELECT id FROM b WHERE id = 'none') ORDER BY id",
        [("a1",), ("a2",), ("a3",), ("a4",)],
    ),
    "not in of the rows around": (
        "SELECT id FROM a WHERE 20 NOT IN (SELECT metadata.v FROM b WHERE b.metadata.ref = a.id) ORDER BY id",
        [("a1",), ("a3",), ("a4",)],
    ),
    "membership as a value": (
        (
            "SELECT id, id IN (SELECT metadata.ref FROM b) AS r, metadata.model IN (SELECT metadata.n FROM b)"
            " AS m FROM a"
            " ORDER BY id"
        ),
        [("a1", True, True), ("a2", True, None), ("a3", False, True), ("a4", False, None)],
    ),
    "membership under OR": (
        "SELECT id FROM a WHERE metadata.n = 2.5 OR id IN (SELECT metadata.ref FROM b) ORDER BY id",
        [("a1",), ("a2",), ("a4",)],
    ),
    "existence as a value": (
        "SELECT id, EXISTS (SELECT 1 FROM b WHERE b.metadata.ref = a.id) AS e FROM a ORDER BY id",
        [("a1", True), ("a2", True), ("a3", False), ("a4", False)],
    ),
    "values for each row": (
        (
            "SELECT id, (SELECT count(*) FROM b WHERE metadata.ref = a.id) AS n,"
            " (SELECT max(metadata.v) FROM b WHERE b.metadata.ref = a.id) AS m FROM a ORDER BY id"
        ),
        [("a1", 1, 10), ("a2", 2, 21), ("a3", 0, None), ("a4", 0, None)],
    ),
    "the first for each row": (
        (
            "SELECT id, (SELECT b.id FROM b WHERE b.metadata.ref = a.id ORDER BY b.metadata.v DESC LIMIT 1) AS"
            " top FROM a"
            " ORDER BY id"
        ),
        [("a1", "b1"), ("a2", "b3"), ("a3", None), ("a4", None)],
    ),
    "a value that keeps its kind": (
        "SELECT id, (SELECT x.metadata.n FROM a AS x WHERE x.id = a.id) AS n FROM a ORDER BY id",
        [("a1", 1), ("a2", "1"), ("a3", True), ("a4", 2.5)],
    ),
    "a value of all rows": (
        "SELECT id FROM b WHERE metadata.v > (SELECT avg(metadata.v) FROM b) ORDER BY id",
        [("b2",), ("b3",)],
    ),
    "a query in HAVING and in ORDER BY": (
        (
            "SELECT metadata.model AS m, count(*) AS n FROM a GROUP BY 1 HAVING count(*) >= (SELECT min(metadata.v) - 4"
            " FROM experiment('c')) ORDER BY (SELECT count(*) FROM a AS x WHERE x.metadata.model = m) DESC, m"
        ),
        [("x", 2), ("y", 1), (None, 1)],
    ),
    "a query of a query around": (
        (
            "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.metadata.ref = a.id AND EXISTS (SELECT 1 FROM"
            " experiment('c') AS c WHERE c.metadata.v < b.metadata.v AND a.id > 'a1'))"
        ),
        [("a2",)],
    ),
    "distinct rows for each row": (
        (
            "SELECT a.id, (SELECT count(*) FROM (SELECT DISTINCT b.metadata.ref FROM b WHERE b.metadata.ref ="
            " a.id) AS d) AS n"
            " FROM a ORDER BY id"
        ),
        [("a1", 1), ("a2", 1), ("a3", 0), ("a4", 0)],
    ),
    "a union for each row": (
        (
            "SELECT a.id, (SELECT string_agg(x, '+' ORDER BY x) FROM (SELECT b.id AS x FROM b WHERE"
            " b.metadata.ref = a.id"
            " UNION ALL SELECT concat('u', a.id)) AS d) AS s FROM a ORDER BY id"
        ),
        [("a1", "b1+ua1"), ("a2", "b2+b3+ua2"), ("a3", "ua3"), ("a4", "ua4")],
    ),
    "a query in the condition of an outer join": (
        (
            "SELECT a.id, b.id AS other FROM a LEFT JOIN b ON b.metadata.ref = a.id AND b.metadata.v = (SELECT"
            " max(metadata.v)"
            " FROM b) AND NOT EXISTS (SELECT 1 FROM experiment('c') AS c WHERE c.metadata.v > b.metadata.v) ORDER BY 1"
        ),
        [("a1", None), ("a2", "b3"), ("a3", None), ("a4", None)],
    ),
    "constants among rows": (
        (
            "SELECT 1 IN (SELECT 2) AS x, 1 = ANY (SELECT 1) AS y, 1 <> ALL (VALUES (2), (3)) AS z, null IN (SELECT"
            " 1) AS n"
        ),
        [(False, True, True, None)],
    ),
    "a relation around is no key of a document": (
        "SELECT n.id, (SELECT count(*) FROM b WHERE b.metadata.ref = n.id) AS c FROM a AS n ORDER BY 1",
        [("a1", 1), ("a2", 2), ("a3", 0), ("a4", 0)],
    ),
    "all": ("SELECT id FROM b WHERE metadata.v >= ALL (SELECT metadata.v FROM b WHERE metadata.v > 0)", [("b3",)]),
    "all of nothing": ("SELECT count(*) AS n FROM a WHERE 1 > ALL (SELECT metadata.v FROM b WHERE id = '-')", [(4,)]),
    "any": (
        "SELECT id FROM a WHERE 20 = ANY (SELECT metadata.v FROM b WHERE metadata.ref = a.id)",
        [("a2",)],
    ),
    "rows in": (
        "SELECT id FROM b WHERE (id, metadata.v) IN (SELECT id, metadata.v FROM b) ORDER BY id",
        [("b1",), ("b2",), ("b3",)],
    ),
    # LATERAL, and functions that give rows.
    "lateral": (
        (
            "SELECT a.id, l.v FROM a LEFT JOIN LATERAL (SELECT metadata.v AS v FROM b WHERE b.metadata.ref = a.id"
            " ORDER BY v DESC LIMIT 1) AS l ON true ORDER BY id"
        ),
        [("a1", 10), ("a2", 21), ("a3", None), ("a4", None)],
    ),
    "lateral, only rows that have any": (
        "SELECT a.id, l.n FROM a, LATERAL (SELECT b.id AS n FROM b WHERE b.metadata.ref = a.id) AS l ORDER BY 1, 2",
        [("a1", "b1"), ("a2", "b2"), ("a2", "b3")],
    ),
    "lateral groups": (
        (
            "SELECT a.id, l.n FROM a, LATERAL (SELECT metadata.ref AS r, count(*) AS n FROM b WHERE"
            " b.metadata.ref = a.id"
            " GROUP BY 1) AS l ORDER BY 1"
        ),
        [("a1", 1), ("a2", 2)],
    ),
    "unnest": ("SELECT id, t FROM a, unnest(tags) AS t ORDER BY 1, 2", [("a1", "p"), ("a1", "q"), ("a4", "q")]),
    "unnest that keeps rows without elements": (
        "SELECT a.id, t.x FROM a LEFT JOIN LATERAL unnest(tags) AS t (x) ON true ORDER BY 1, 2",
        [("a1", "p"), ("a1", "q"), ("a2", None), ("a3", None), ("a4", "q")],
    ),
    "elements of any kind, with their places": (
        "SELECT e.ordinality, e.value FROM a, jsonb_array_elements(a.input.k) WITH ORDINALITY AS e ORDER BY 1",
        [(1, 1), (2, "1"), (3, None), (4, True), (5, {"z": 2})],
    ),
    "a path into an element": (
        "SELECT e.value.z FROM a CROSS JOIN jsonb_array_elements(input.k) AS e WHERE e.value.z IS NOT NULL",
        [(2,)],
    ),
    "a path into an element by the name of the function": (
        'SELECT e.z, e.k[0] AS k FROM jsonb_array_elements(\'[{"z": 2}, {"k": [3]}]\'::jsonb) AS e',
        [(2, None), (None, 3)],
    ),
    "entries": (
        "SELECT a.id, e.key, e.value FROM a, jsonb_each(scores) AS e ORDER BY 1, 2",
        [("a1", "f", 0.5), ("a3", "f", 1), ("a3", "h", 0.25)],
    ),
    "keys": (
        "SELECT k FROM a, jsonb_object_keys(metadata) AS k WHERE id = 'a1' ORDER BY 1",
        [("model",), ("n",), ("u",)],
    ),
    "series": ("SELECT * FROM generate_series(1, 7, 3) AS g", [(1,), (4,), (7,)]),
    "series of times, each a text or not": (
        (
            "SELECT to_string(a), to_string(b), to_string(c) FROM"
            " generate_series('2026-01-01', '2026-01-02', interval 36 hour) AS a,"
            " generate_series('2026-01-01', to_datetime('2026-01-02'), '1 day 12:00:00') AS b,"
            " generate_series(to_datetime('2026-01-01'), '2026-01-02', '36 hours') AS c"
        ),
        [("2026-01-01T00:00:00.000Z",) * 3],
    ),
    "series of times without nanoseconds": (
        "SELECT * FROM generate_series('1500-01-01', '1501-01-01', interval 1 month) AS g",
        [],
    ),
    "series that goes nowhere": ("SELECT * FROM generate_series(1, 7, 1 - 1) AS g", []),
    "series that goes nowhere in time": (
        "SELECT * FROM generate_series(now(), now(), interval 1 day - interval 24 hours) AS g",
        [],
    ),
    "series that goes nowhere in some rows": (
        "SELECT t.n, g FROM (VALUES (0), (2)) AS t (n), LATERAL generate_series(1, 3, t.n) AS g ORDER BY 2",
        [(2, 1), (2, 3)],
    ),
    "series for each row": (
        "SELECT b.id, g FROM b, generate_series(metadata.v, 21) AS g WHERE b.id <> 'b1' ORDER BY 1, 2",
        [("b2", 20), ("b2", 21), ("b3", 21)],
    ),
    # Set operations and VALUES.
    "union all": (
        "SELECT 1 AS x UNION ALL SELECT 2.5 UNION ALL SELECT 'a' UNION ALL SELECT null ORDER BY 1",
        [(1,), (2.5,), ("a",), (None,)],
    ),
    "union keeps kinds apart": (
        "SELECT metadata.n FROM a UNION SELECT metadata.n FROM b ORDER BY 1",
        [(True,), (1,), (2.5,), ("1",), ("x",), (None,)],
    ),
    "intersect": ("SELECT metadata.n FROM a INTERSECT SELECT metadata.n FROM b ORDER BY 1", [(True,), (1,)]),
    "except": ("SELECT metadata.n FROM a EXCEPT SELECT metadata.n FROM b ORDER BY 1", [(2.5,), ("1",)]),
    "except all counts": (
        (
            "(SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT null UNION ALL SELECT null) EXCEPT ALL (SELECT 1 UNION ALL"
            " SELECT null) ORDER BY 1"
        ),
        [(1,), (None,)],
    ),
    "intersect all counts": (
        (
            "(SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 2) INTERSECT ALL (SELECT 1 UNION ALL SELECT 1 UNION ALL"
            " SELECT 1)"
        ),
        [(1,), (1,)],
    ),
    "whole numbers beyond a float in a union": (
        "SELECT metadata.big AS x FROM a WHERE id = 'a4' UNION SELECT metadata.big FROM a WHERE id = 'a4'",
        [(9007199254740993,)],
    ),
    "limit of a union": (
        "SELECT id FROM a UNION ALL SELECT id FROM b ORDER BY id DESC LIMIT 2 OFFSET 1",
        [("b3",), ("b2",)],
    ),
    "a limit of a union whose sides differ in a constant": (
        "SELECT k, id FROM (SELECT id, 1 AS k FROM a UNION ALL SELECT id, 2 FROM b) AS u ORDER BY k DESC, id LIMIT 3",
        [(2, "b1"), (2, "b2"), (2, "b3")],
    ),
    "sides that differ in a constant, joined": (
        (
            "SELECT a.id, x.* FROM a CROSS JOIN LATERAL (VALUES (a.id, 1), ('z', 2)) AS x (p, q) WHERE a.id < 'a3'"
            " ORDER BY q DESC, 1"
        ),
        [("a1", "z", 2), ("a2", "z", 2), ("a1", "a1", 1), ("a2", "a2", 1)],
    ),
    "columns of the second side that are called alike": (
        "SELECT id, metadata.n FROM a WHERE id = 'a1' UNION ALL SELECT null, null UNION ALL SELECT 'z', 'z' ORDER BY 1",
        [("a1", 1), ("z", "z"), (None, None)],
    ),
    "columns that are called alike, and get other names": (
        "WITH t (p, q) AS (SELECT 1, 1) SELECT * FROM t, (SELECT 2, 2 UNION SELECT 3, 3) AS u (r, s) ORDER BY r",
        [(1, 1, 2, 2), (1, 1, 3, 3)],
    ),
    "a recursive table with columns that are called alike": (
        "WITH RECURSIVE t (p, q) AS (SELECT 0, 0 UNION ALL SELECT p + 1, p + 1 FROM t WHERE p < 2) SELECT * FROM t",
        [(0, 0), (1, 1), (2, 2)],
    ),
    "columns of a query in IN and EXISTS that are called alike": (
        "SELECT id FROM b WHERE (id, id) IN (SELECT id, id FROM b) AND EXISTS (SELECT 1, 1) ORDER BY 1",
        [("b1",), ("b2",), ("b3",), ("b4",)],
    ),
    "values": ("VALUES (1, 'a'), (2, null), (1, 'a')", [(1, "a"), (2, None), (1, "a")]),
    "values behind FROM": (
        "SELECT k, count(*) AS n FROM (VALUES (1), ('1'), (true), (null), (1)) AS v (k) GROUP BY k ORDER BY k",
        [(True, 1), (1, 2), ("1", 1), (None, 1)],
    ),
    "values that look at the rows around": (
        "SELECT id, (SELECT max(x) FROM (VALUES (metadata.v), (15)) AS v (x)) AS m FROM b ORDER BY id",
        [("b1", 15), ("b2", 20), ("b3", 21), ("b4", 15)],
    ),
    # DISTINCT, groups.
    "distinct": ("SELECT DISTINCT metadata.model FROM a ORDER BY 1", [("x",), ("y",), (None,)]),
    "distinct groups": (
        "SELECT DISTINCT count(*) AS n FROM a GROUP BY metadata.model ORDER BY 1",
        [(1,), (2,)],
    ),
    "distinct on": (
        "SELECT DISTINCT ON (metadata.model) metadata.model, id FROM a ORDER BY metadata.model, id DESC",
        [("x", "a3"), ("y", "a2"), (None, "a4")],
    ),
    "rollup": (
        (
            "SELECT metadata.model AS m, count(*) AS n, grouping(metadata.model) AS g FROM a GROUP BY ROLLUP"
            " (metadata.model)"
            " ORDER BY g, m"
        ),
        [("x", 2, 0), ("y", 1, 0), (None, 1, 0), (None, 4, 1)],
    ),
    "grouping sets": (
        (
            "SELECT metadata.model AS m, is_root AS r, count(*) AS n, grouping(metadata.model, is_root) AS g FROM a"
            " GROUP BY GROUPING SETS ((1), (2), ()) ORDER BY g, m, r"
        ),
        [
            ("x", None, 2, 1),
            ("y", None, 1, 1),
            (None, None, 1, 1),
            (None, False, 1, 2),
            (None, True, 3, 2),
            (None, None, 4, 3),
        ],
    ),
    "cube over kinds": (
        "SELECT metadata.n AS n, count(*) AS c FROM a GROUP BY CUBE (metadata.n) ORDER BY grouping(metadata.n), n",
        [(True, 1), (1, 1), (2.5, 1), ("1", 1), (None, 4)],
    ),
    "constants as keys": (
        "SELECT 7 AS x, 'k' AS y, count(*) AS n, 7 + 1 AS z FROM a GROUP BY 1, 2, 4",
        [(7, "k", 4, 8)],
    ),
    "constants as keys of nothing": ("SELECT 7 AS x, count(*) AS n FROM a WHERE id = '-' GROUP BY 1", []),
    "constants as keys of sets": (
        "SELECT 0 AS x, 0 AS y, count(*) AS n FROM a GROUP BY ROLLUP (1, 2) ORDER BY 1, 2",
        [(0, 0, 4), (0, None, 4), (None, None, 4)],
    ),
    "filter of an aggregate": (
        (
            "SELECT count(*) FILTER (WHERE id > 'a1') AS n, string_agg(id, ',' ORDER BY id DESC) FILTER (WHERE"
            " id < 'a4') AS s"
            " FROM a"
        ),
        [(3, "a3,a2,a1")],
    ),
    # Windows.
    "ranks": (
        (
            "SELECT id, row_number() OVER (ORDER BY id DESC) AS n, rank() OVER w AS r, dense_rank() OVER w AS d FROM a"
            " WINDOW w AS (ORDER BY metadata.model) ORDER BY id"
        ),
        [("a1", 4, 1, 1), ("a2", 3, 3, 2), ("a3", 2, 1, 1), ("a4", 1, 4, 3)],
    ),
    "shares": (
        (
            "SELECT id, ntile(2) OVER (ORDER BY id) AS n, cume_dist() OVER (ORDER BY id) AS c,"
            " percent_rank() OVER (ORDER BY id) AS p FROM b ORDER BY id"
        ),
        [("b1", 1, 0.25, 0.0), ("b2", 1, 0.5, 1 / 3), ("b3", 2, 0.75, 2 / 3), ("b4", 2, 1.0, 1.0)],
    ),
    "values nearby keep their kind": (
        (
            "SELECT id, lag(metadata.n) OVER w AS l, lead(metadata.n, 1, 'none') OVER w AS e,"
            " first_value(metadata.n) OVER w"
            " AS f, nth_value(metadata.n, 2) OVER w AS s FROM a WINDOW w AS (ORDER BY id) ORDER BY id"
        ),
        [("a1", None, "1", 1, None), ("a2", 1, True, 1, "1"), ("a3", "1", 2.5, 1, "1"), ("a4", True, "none", 1, "1")],
    ),
    "running sums and frames": (
        (
            "SELECT id, sum(metadata.v) OVER (ORDER BY id) AS s, count(*) OVER () AS n, max(metadata.v) OVER"
            " (ORDER BY id"
            " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m FROM b ORDER BY id"
        ),
        [("b1", 10, 4, 10), ("b2", 30, 4, 20), ("b3", 51, 4, 21), ("b4", 51, 4, 21)],
    ),
    "partitions of mixed kinds": (
        "SELECT id, count(*) OVER (PARTITION BY metadata.u) AS n FROM a ORDER BY id",
        [("a1", 1), ("a2", 1), ("a3", 2), ("a4", 2)],
    ),
    "a window over groups": (
        (
            "SELECT metadata.model AS m, count(*) AS n, rank() OVER (ORDER BY count(*) DESC) AS r FROM a GROUP BY 1"
            " ORDER BY r, m"
        ),
        [("x", 2, 1), ("y", 1, 2), (None, 1, 2)],
    ),
    "a window before a limit": (
        "SELECT id, count(*) OVER () AS n FROM a ORDER BY id LIMIT 1",
        [("a1", 4)],
    ),
    "the best of each, by a window inside": (
        (
            "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY metadata.ref ORDER BY metadata.v DESC)"
            " AS n FROM b)"
            " AS d WHERE n = 1 ORDER BY id"
        ),
        [("b1",), ("b3",), ("b4",)],
    ),
    "the largest so far of values of several kinds": (
        (
            "SELECT id, max(metadata.n) OVER (ORDER BY id) AS most, min(metadata.n) OVER (ORDER BY id) AS least FROM a"
            " ORDER BY id"
        ),
        [("a1", 1, 1), ("a2", "1", 1), ("a3", "1", True), ("a4", "1", True)],
    ),
    "the largest of values of several kinds in a sliding frame": (
        (
            "SELECT id, max(metadata.n) OVER (ORDER BY id DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS x"
            " FROM a ORDER BY id"
        ),
        [("a1", "1"), ("a2", "1"), ("a3", 2.5), ("a4", 2.5)],
    ),
    "the extremes of lists over a window": (
        (
            "SELECT id, max(tags) OVER (ORDER BY id) AS most, min(tags) OVER (ORDER BY id) AS least FROM a"
            " WHERE id != 'a3' ORDER BY id"
        ),
        [("a1", ["p", "q"], ["p", "q"]), ("a2", ["p", "q"], ["p", "q"]), ("a4", ["q"], ["p", "q"])],
    ),
    "some list over a window": (
        "SELECT any_value(tags) OVER (PARTITION BY id) AS x FROM a WHERE id = 'a4'",
        [(["q"],)],
    ),
    "a filtered extreme of lists over a window": (
        "SELECT id, max(tags) FILTER (WHERE id < 'a4') OVER () AS x FROM a WHERE id > 'a2' ORDER BY id",
        [("a3", []), ("a4", [])],
    ),
    "the largest of big numbers over a window": (
        (
            "SELECT x, max(x) OVER (ORDER BY y) AS m FROM (VALUES (18446744073709551617, 1), (3, 2)) AS v (x, y)"
            " ORDER BY y"
        ),
        [(18446744073709551617, 18446744073709551617), (3, 18446744073709551617)],
    ),
    "windows with computed keys beside others": (
        (
            "SELECT id, rank() OVER (PARTITION BY id ORDER BY -(metadata), id) AS r,"
            " count(input) OVER (ORDER BY id) AS n FROM a WHERE metadata.model <!=> input ORDER BY id"
        ),
        [("a1", 1, 1), ("a2", 1, 2), ("a3", 1, 3)],
    ),
    "a window with computed keys": (
        (
            "SELECT id, row_number() OVER (PARTITION BY lower(metadata.model) ORDER BY -metadata.big, length(id), id)"
            " AS n FROM a ORDER BY id"
        ),
        [("a1", 1), ("a2", 1), ("a3", 2), ("a4", 1)],
    ),
    # Constants as columns.
    "a constant equal to a column that is asked for it": (
        "SELECT id FROM (SELECT id, metadata.model AS m, 'x' AS c FROM a) AS s WHERE m = 'x' AND m = c ORDER BY id",
        [("a1",), ("a3",)],
    ),
    "a computed constant before the column that has it": (
        "SELECT id FROM a WHERE lower('X') = metadata.model AND metadata.model = 'x' ORDER BY id",
        [("a1",), ("a3",)],
    ),
    "a computed constant that it is not different from": (
        "SELECT id FROM a WHERE NOT (lower('X') <> metadata.model) AND metadata.model = 'x' ORDER BY id",
        [("a1",), ("a3",)],
    ),
    "a computed text in a list of rows": (
        "SELECT c FROM (VALUES (CASE WHEN true THEN 'x' END), ('y')) AS v (c) ORDER BY c",
        [("x",), ("y",)],
    ),
    # Recursion.
    "recursive numbers": (
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT * FROM t ORDER BY 1",
        [(1,), (2,), (3,), (4,)],
    ),
    "the tree of a trace": (
        (
            "WITH RECURSIVE t AS (SELECT span_id, 0 AS depth FROM a WHERE is_root UNION ALL SELECT a.span_id,"
            " t.depth + 1"
            " FROM a JOIN t ON a.span_parents[0] = t.span_id) SELECT * FROM t ORDER BY depth, span_id"
        ),
        [("s1", 0), ("s3", 0), ("s4", 0), ("s2", 1)],
    ),
    "a recursion that comes round": (
        "WITH RECURSIVE t (n) AS (SELECT 0 UNION SELECT (n + 1) % 3 FROM t) SELECT n FROM t ORDER BY 1",
        [(0,), (1,), (2,)],
    ),
    "a recursion of several kinds": (
        (
            "WITH RECURSIVE t (n, x) AS (SELECT 1, '[1]'::jsonb UNION ALL SELECT n + 1, CASE WHEN n < 2 THEN x || '[2]'"
            " ELSE 'a' END FROM t WHERE n < 3) SELECT n, x FROM t ORDER BY 1"
        ),
        [(1, [1]), (2, [1, 2]), (3, "a")],
    ),
    # Without FROM.
    "select without FROM": ("SELECT 1 AS one, 'a' AS a WHERE 1 < 2", [(1, "a")]),
    "nothing without FROM": ("SELECT 1 AS one WHERE 1 > 2", []),
    "among rows without FROM": ("SELECT id FROM a WHERE metadata.n IN (SELECT true)", [("a3",)]),
    "among no rows without FROM": (
        "SELECT id FROM a WHERE metadata.n NOT IN (SELECT 1) ORDER BY id",
        [("a3",), ("a4",)],
    ),
    "as any row without FROM": ("SELECT id FROM a WHERE metadata.n = ANY (SELECT true)", [("a3",)]),
    "there are rows without FROM": ("SELECT id FROM a WHERE EXISTS (SELECT 1 WHERE a.metadata.n = 2.5)", [("a4",)]),
    "there are no rows without FROM": ("SELECT id FROM a WHERE NOT EXISTS (SELECT 1 WHERE id < 'a4')", [("a4",)]),
    "a value without FROM": ("SELECT id FROM a WHERE metadata.n = (SELECT 2.5)", [("a4",)]),
    "an array is among rows by its elements": ("SELECT id FROM a WHERE input.k IN (SELECT true)", [("a2",)]),
    "a list is among rows by its elements": (
        "SELECT id, tags IN (SELECT 'p') AS p FROM a WHERE tags IN (SELECT 'q' UNION SELECT 'x') ORDER BY id",
        [("a1", True), ("a4", False)],
    ),
    "a list is not among rows": (
        "SELECT id FROM a WHERE tags NOT IN (SELECT 'p') ORDER BY id",
        [("a3",), ("a4",)],
    ),
    "queries without FROM inside": (
        "SELECT (SELECT count(*) FROM b) AS n, EXISTS (SELECT 1 WHERE false) AS e",
        [(4, False)],
    ),
}


@pytest.fixture(scope="module", params=["before compaction", "half-way", "compacted"])
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("relations") / "db") as connection:
        for half in (slice(0, 2), slice(2, None)):
            for target, events in (("project_logs:a", A), ("experiment:b", B), ("experiment:c", C)):
                connection.ingest(target, events[half])
            if request.param == "compacted" or (request.param == "half-way" and half.start == 0):
                connection.compact()
        yield connection


@pytest.mark.parametrize("name", CASES)
def test_the_rows_are_right(conn: btql.Connection, name: str) -> None:
    query, expected = CASES[name]
    found = [tuple(row.values()) for row in conn.query(query).rows()]

    assert [list(map(exactly, row)) for row in found] == [list(map(exactly, row)) for row in expected]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("rules") / "db"
    with btql.connect(path) as connection:
        for half in (slice(0, 2), slice(2, None)):
            for target, events in (("project_logs:a", A), ("experiment:b", B), ("experiment:c", C)):
                connection.ingest(target, events[half])
            if half.start == 0:
                connection.compact()
    with Storage.open(path) as storage:
        yield Database(storage)


@pytest.mark.parametrize("name", CASES)
def test_rules_do_not_change_the_rows(database: Database, name: str) -> None:
    query, expected = CASES[name]
    for disabled in ({"push_filter_through_joins"}, OPTIONAL):
        found = [tuple(row.values()) for row in database.query(query, disabled).rows()]

        assert [list(map(exactly, row)) for row in found] == [list(map(exactly, row)) for row in expected]


def exactly(value: object) -> object:
    """A value that is equal to no value of another kind; a whole float is what its integer is, as in JSON."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return round(value, 12) if isinstance(value, float) else (type(value).__name__, value)


ERRORS = {
    "a field without FROM": ("SELECT id", "B0401"),
    "a field without FROM, in a query inside": ("SELECT * FROM (SELECT 1 AS x, id) AS d", "B0401"),
    "an implicit alias that is an explicit one": ("select: metadata.model, id as model | from: a", "B0205"),
    "an explicit alias that is an implicit one": ("SELECT id AS model, metadata.model FROM a", "B0205"),
    "an ambiguous name": ("SELECT id FROM a JOIN b ON true", "B0203"),
    "an ambiguous object": ("SELECT id FROM twin", "B0203"),
    "an unknown object": ("SELECT id FROM nowhere", "B0402"),
    "an unknown column": ("SELECT x FROM (SELECT id FROM a) AS d", "B0202"),
    "two relations of one name": ("SELECT 1 FROM a JOIN a ON true", "B0205"),
    "sides of different width": ("SELECT id, tags FROM a UNION SELECT id FROM b", "B0404"),
    "a function that gives no rows": ("SELECT * FROM a, lower(a.id) AS x", "B0201"),
    "an unknown window": ("SELECT rank() OVER w FROM a", "B0202"),
    "an aggregate with an order of its own over a window": (
        "SELECT array_agg(id ORDER BY id) OVER (ORDER BY id) FROM a",
        "B0403",
    ),
    "a window in WHERE": ("SELECT id FROM a WHERE row_number() OVER (ORDER BY id) = 1", "B0305"),
    "a column of the outer query that is not grouped": (
        "SELECT metadata.model, (SELECT count(*) FROM b WHERE metadata.ref = a.id) AS n FROM a GROUP BY 1",
        "B0204",
    ),
    "a full join that looks to its left": ("SELECT 1 FROM a FULL JOIN LATERAL (SELECT a.id) AS l ON true", "B0403"),
    "a subquery in the condition of an outer join that looks at the other side": (
        "SELECT 1 FROM a LEFT JOIN b ON EXISTS (SELECT 1 FROM experiment('c') AS c WHERE c.id = a.id)",
        "B0403",
    ),
    "a distinct query sorted by another column": ("SELECT DISTINCT id FROM a ORDER BY metadata.n", "B0204"),
    "recursion through EXCEPT": ("WITH RECURSIVE t AS (SELECT 1 AS n EXCEPT SELECT n FROM t) SELECT n FROM t", "B0403"),
    "an aggregate in the step of a recursive query": (
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT max(n) + 1 FROM t WHERE n < 5) SELECT n FROM t",
        "B0403",
    ),
    "a query inside the step that looks at its rows": (
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT (SELECT id FROM a WHERE id = t.n) FROM t) SELECT n FROM t",
        "B0403",
    ),
    "too many relations": (
        "WITH t0 AS (SELECT 1 AS x), "
        + ", ".join(f"t{n + 1} AS (SELECT l.x FROM t{n} AS l, t{n} AS r)" for n in range(12))
        + " SELECT count(*) FROM t12",
        "B0403",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_mistakes_are_named(conn: btql.Connection, name: str) -> None:
    query, code = ERRORS[name]
    for target in ("project_logs:twin", "dataset:twin"):
        if target not in conn.objects():
            conn.ingest(target, [{"id": "t"}])

    with pytest.raises(btql.QueryError) as caught:
        conn.query(query).rows()

    assert caught.value.code == code


def test_a_query_that_stands_for_one_value_has_one_row(conn: btql.Connection) -> None:
    query = "SELECT id, (SELECT id FROM b WHERE b.metadata.ref = a.id) AS x FROM a"

    with pytest.raises(btql.QueryError, match="several rows") as caught:
        conn.query(query).rows()
    with pytest.raises(btql.QueryError) as explained:
        conn.query(f"EXPLAIN ANALYZE {query}").rows()

    assert "1:12\n" in str(caught.value)
    assert f"1:{12 + len('EXPLAIN ANALYZE ')}\n" in str(explained.value)


def test_long_chains_are_not_deep(conn: btql.Connection) -> None:
    union = " UNION ALL ".join(f"SELECT {number} AS x" for number in range(150))
    joins = " CROSS JOIN ".join(f"(SELECT {number} AS x{number}) AS t{number}" for number in range(40))

    assert conn.query(f"SELECT count(*), sum(x) FROM ({union}) AS u").rows() == [{"count(*)": 150, "sum(x)": 11175}]
    assert list(conn.query(f"SELECT * FROM {joins}").rows()[0].values()) == list(range(40))


def test_what_is_too_deep_for_the_engine_is_an_error_of_the_query(conn: btql.Connection) -> None:
    joins = " CROSS JOIN ".join(f"(SELECT {number} AS x{number}) AS t{number}" for number in range(150))

    with pytest.raises(btql.QueryError, match="too deep") as caught:
        conn.query(f"SELECT count(*) FROM {joins}").rows()
    assert caught.value.code == "B0403"


def test_common_tables_that_read_one_another_without_end_are_an_error_of_the_query(conn: btql.Connection) -> None:
    others = "".join(f", a{number} AS (SELECT * FROM a{number - 1})" for number in range(1, 150))

    with pytest.raises(btql.QueryError, match="nested too deep") as caught:
        conn.query(f"WITH a0 AS (SELECT 1 AS x){others} SELECT * FROM a149").rows()
    assert caught.value.code == "B0107"


def test_the_snapshot_of_an_object_is_one(conn: btql.Connection) -> None:
    result = conn.query("SELECT count(*) AS n, (SELECT count(*) FROM experiment('b')) AS m FROM experiment('b')")

    assert result.rows() == [{"n": 4, "m": 4}]


def test_a_frame_of_times_at_a_distance(conn):
    spelled = (f"count(*) OVER (ORDER BY created RANGE {each} PRECEDING)" for each in ("'1 hour'", "interval 1 hour"))
    rows = conn.query(f"SELECT {' - '.join(spelled)} AS n FROM a").rows()

    assert rows
    assert {row["n"] for row in rows} == {0}

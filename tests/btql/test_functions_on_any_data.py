"""No function fails because of what documents hold: every function over values of every kind, in every place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

import btql
from btql_planner import types
from btql_planner.functions import functions
from btql_planner.functions.function import Function

VALUES: list[object] = [
    None, True, False, 0, 1, -1, 7, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**30, 0.5, -0.5,
    1e300, -1e300, 5e-324, "", "a", "é😀", "1", "-7.5", "9" * 30, "true", "2026-11-25", "2026-02-30T25:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01", "1 day", "((", "%", "\\", "\x00", "a" * 3000, '{"a": 1}', "[1", "null",
    [], [1, None, "a", [2]], ["x", "y"], {}, {"a": {"b": None}}, {"": 1},
]  # fmt: skip
FEWER = {
    "array_length": 1,
    "regexp_like": 2,
    "regexp_match": 2,
    "regexp_substr": 2,
    "regexp_count": 2,
    "regexp_replace": 3,
}
"""How many arguments are given where the others have to be written in the query, too."""
WRITTEN = {
    "date_trunc": ["'day'", None, "'Europe/Berlin'"], "date_bin": ["interval 1 hour"],
    "encode": [None, "'hex'"], "decode": [None, "'base64'"],
    "json_extract": [None, "'a'"], "timezone": ["'Europe/Berlin'"],
    "from_timezone": ["'Europe/Berlin'"], "to_char": [None, "'YYYY'"],
    "whole_part": ["'second'"], "date_part": ["'hour'"], "extract": ["'epoch'"], "percentile": [None, "0.5"],
    "string_agg": [None, "','"], "search": ["'a'"],
    **{name: [None, "'[a-z]+'"] for name in ("regexp_like", "regexp_match", "regexp_substr", "regexp_count")},
    "regexp_replace": [None, "'[a-z]+'", None],
    **{name: [None, "'YYYY-MM-DD HH24:MI:SS'"] for name in ("to_timestamp", "to_date")},
}  # fmt: skip
"""Arguments that have to be written in the query; None takes any value."""
SPECIAL = {"percentile_cont": "percentile_cont(0.5) WITHIN GROUP (ORDER BY {0})",
           "percentile_disc": "percentile_disc(0.5) WITHIN GROUP (ORDER BY {0})",
           "mode": "mode() WITHIN GROUP (ORDER BY {0})", "position": "position({0} IN {1})"}  # fmt: skip
PUBLIC = sorted(name for name, function in functions().items() if not function.hidden and function.alias_of is None)


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("any") / "db") as connection:
        count = len(VALUES)
        events = [
            {
                "id": f"r{number}",
                "metadata": {"a": a, "b": VALUES[(number * 7 + shift) % count], "c": VALUES[-number % count]},
            }
            for shift, (number, a) in product(range(0, count, 9), enumerate(VALUES))
        ]
        for number, event in enumerate(events):
            event["id"] = f"r{number:04}"
        connection.ingest("project_logs:p", events[: len(events) // 2])
        connection.compact()
        connection.ingest("project_logs:p", events[len(events) // 2 :])
        yield connection


def call(function: Function) -> str:
    """Return a call with a path of any kind in every place where one may stand."""
    paths = ["metadata.a", "metadata.b", "metadata.c", "metadata.a", "metadata.b", "metadata.c"]
    if function.name in SPECIAL:
        return SPECIAL[function.name].format(*paths)
    written = [*WRITTEN.get(function.name, []), *([None] * len(function.parameters))][: len(function.parameters)]
    if function.name in FEWER:
        written = written[: FEWER[function.name]]
    arguments = [argument or path for argument, path in zip(written, paths, strict=False)]
    if function.variadic:
        arguments.append("metadata.c")
    return f"{function.name}({', '.join(arguments)})"


@pytest.mark.parametrize("start", range(0, len(PUBLIC), 10))
def test_functions(conn: btql.Connection, start: int) -> None:
    for name in PUBLIC[start : start + 10]:
        function = functions()[name]
        text = call(function)
        rows = conn.query(f"SELECT {text} AS v FROM project_logs('p')").rows()
        assert rows, text
        if not function.aggregate:
            assert conn.query(f"SELECT count(*) AS n FROM project_logs('p') WHERE {text} IS NOT NULL").rows(), text


NUMBERS = [value for value in VALUES if isinstance(value, int | float) and not isinstance(value, bool)]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    """Every pair of two numbers."""
    events = [
        {"id": f"r{number:04}", "metadata": {"a": a, "b": b, "c": a}}
        for number, (a, b) in enumerate(product(NUMBERS, NUMBERS))
    ]
    with btql.connect(tmp_path_factory.mktemp("pairs") / "db") as connection:
        connection.ingest("project_logs:p", events)
        yield connection


def takes_numbers(function: Function) -> bool:
    own = [parameter for parameter in function.parameters if not parameter.whole or parameter.type <= types.NUMBER]
    return len(own) > 1 and all(parameter.type <= types.NUMBER for parameter in own)


def test_functions_of_several_numbers(pairs: btql.Connection) -> None:
    names = [name for name in PUBLIC if takes_numbers(functions()[name]) and name not in SPECIAL]

    assert "power" in names
    for name in names:
        text = call(functions()[name])
        assert pairs.query(f"SELECT {text} AS v FROM project_logs('p')").rows(), text


@pytest.mark.parametrize(
    "template",
    [
        "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / {1}", "{0} % {1}", "- {0}", "{0} = {1}", "{0} < {1}",
        "{0} <=> {1}", "{0} IN ({1}, 1, 'a')", "{0} LIKE '%a%'", "{0} AND {1}", "NOT {0}", "{0} = ANY({1})",
        "{0} > ALL({1})", "{0} @> {1}", "{0} -> 'a'", "{0} ->> 0", "{0} -> {1}", "{0} #>> '{{a,b}}'", "{0} ? 'a'",
        "{0} ?| ['a']", "[{0}, {1}]", "{{a: {0}, b: {1}}}", "created - interval 1 day > {0}", "({0}, {1}) < ({1}, {2})",
        "CASE WHEN {0} THEN {1} ELSE {2} END", "{0} || {1}", "{0}::int", "{0}::numeric(10,2)", "{0}::text",
        "{0}::bool", "{0}::jsonb", "{0}::date", "{0}::timestamptz", "{0}::interval", "{0}::text[]", "{0}::varchar(3)",
        "{0} MATCH 'a'", "created - {0}", "now() > {0}", "coalesce({0}, {1})", "(coalesce({0}, {1}))[0]",
        "to_timestamp({0})", "to_date({0})", "{0} * interval 1 day", "interval 1 month / {0}",
    ],
)  # fmt: skip
def test_operators(conn: btql.Connection, template: str) -> None:
    text = template.format("metadata.a", "metadata.b", "metadata.c")

    rows = conn.query(f"SELECT {text} AS v, count(*) AS n FROM project_logs('p') GROUP BY 1 ORDER BY 1").rows()

    counts = [row["n"] for row in rows]
    assert sum(count for count in counts if isinstance(count, int)) == len(VALUES) * len(range(0, len(VALUES), 9))

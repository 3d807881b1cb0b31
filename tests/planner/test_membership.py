"""Long lists of ``IN`` say what as many equalities say, for values and items of every kind."""

from __future__ import annotations

import pyarrow as pa
import pytest

from btql.execution.engine import SessionContext
from btql.execution.functions import register_functions
from btql.execution.sessions import SessionSpec, new_session
from btql_planner import membership, sql_text, value
from btql_planner.types import Kind
from btql_planner.value import Value

NEEDLES: dict[Kind, tuple[pa.DataType, list[object]]] = {
    Kind.BOOLEAN: (pa.bool_(), [True, False]),
    Kind.INTEGER: (pa.int64(), [0, 1, 2, -3, 2**53, 2**53 + 1]),
    Kind.FLOAT: (pa.float64(), [0.0, -0.0, 0.5, 2.0, 1e300, 2.0**70]),
    Kind.TEXT: (pa.string(), ["", "1", "0", "-0", "0.50", "a", "it's", "1e300", str(2**70)]),
    Kind.BIG: (pa.string(), [str(2**70), str(2**70 + 1)]),
    Kind.LIST: (pa.list_(pa.string()), [[], ["a"], ["1", "b"], ["0"]]),
    Kind.JSON: (pa.string(), ["[]", "[1,null]", '["a",-0.0]', '["0.5"]', "[1180591620717411303424]", '{"a":1}']),
}
TEXTS: list[object] = ["a", "it's", "1", "0.5", "", "-0", "b", str(2**70), "é"]
ITEMS: list[list[object]] = [
    [1, 2, -3, 7, 8, 9, 10, 11, 2**53 + 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [0.5, -0.5, 1e300, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5],
    TEXTS,
    [2**70, 2**71, 2**72, 2**73, 2**74, 2**75, 2**76, 2**77, 2**78],
    [*TEXTS, 1, 0, 0.5, 2**70, True, None],
]
SINGLE = [{kind} for kind in NEEDLES]
SEVERAL = [set(NEEDLES), {Kind.INTEGER, Kind.TEXT}, {Kind.FLOAT, Kind.JSON}, {Kind.INTEGER, Kind.FLOAT, Kind.BIG}]


def literal(item: object) -> Value:
    match item:
        case None:
            return Value()
        case bool():
            return value.boolean("TRUE" if item else "FALSE")
        case str():
            return value.of(Kind.TEXT, sql_text.text(item))
        case int() if abs(item) >= 2**63:
            return value.of(Kind.BIG, sql_text.text(str(item)))
        case int() | float():
            return Value({Kind.INTEGER if isinstance(item, int) else Kind.FLOAT: sql_text.number(item)}, apart=True)
        case _:
            raise AssertionError(item)


@pytest.fixture(scope="module")
def context() -> SessionContext:
    rows = [(kind, sample) for kind, (_, samples) in NEEDLES.items() for sample in samples] + [(None, None)]
    columns = {
        f"c{kind}": pa.array([sample if each is kind else None for each, sample in rows], kind_type)
        for kind, (kind_type, _) in NEEDLES.items()
    }
    context = new_session(SessionSpec(64 << 20, 64 << 20))
    context.register_record_batches("needles", [[pa.record_batch(columns)]])
    register_functions(context, "btql_array_includes btql_array_includes_any btql_json_list", {})
    return context


def answers(context: SessionContext, sql: str) -> list[object]:
    batches = context.sql(f"SELECT {sql} AS answer FROM needles").execute_stream()
    return [answer for batch in batches for answer in batch.to_pyarrow().column("answer").to_pylist()]


def any_of(conditions: tuple[object, ...]) -> object:
    return True if True in conditions else None if None in conditions else False


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("items", ITEMS, ids=str)
def test_a_long_list_is_as_many_equalities(context: SessionContext, items: list[object], exact: bool) -> None:
    literals = [literal(item) for item in items]
    for kinds in SINGLE + SEVERAL:
        needle = Value({kind: f'"c{kind}"' for kind in sorted(kinds)})
        # Not one OR of all of them: the engine would make a list of that, to which minus zero is another number.
        one_by_one = [answers(context, membership.is_in(needle, [item], exact=exact)) for item in literals]

        found = answers(context, membership.is_in(needle, literals, exact=exact))
        expected = [any_of(each) for each in zip(*one_by_one, strict=True)]

        if not exact:
            # Whether a row is kept is all that is asked: null is as good as false.
            found, expected = [[each is True for each in side] for side in (found, expected)]
        assert found == expected, kinds


@pytest.mark.parametrize("items", [range(1, 3000), [each + 0.5 for each in range(3000)]], ids=["whole", "fractions"])
def test_numbers_are_looked_up_and_not_compared_one_by_one(items: list[object]) -> None:
    needle = Value({kind: f'"c{kind}"' for kind in (Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.JSON)})

    sql = membership.is_in(needle, [literal(item) for item in items], exact=False)

    assert " = " not in sql
    assert sql.count(" OR ") <= len(needle.parts)

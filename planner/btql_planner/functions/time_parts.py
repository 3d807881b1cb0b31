"""Numbers that a time or an interval consists of: ``extract`` and its like, by the clock of UTC."""

from __future__ import annotations

from typing import Annotated

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner import sql_text, types
from btql_planner.functions.call import written_text
from btql_planner.functions.declare import Amount, Any, Float, Integer, Node, Text, coerce, form, has, scalar
from btql_planner.functions.function import Binder
from btql_planner.functions.time_units import LENGTHS, part_of_interval, part_of_time
from btql_planner.types import Kind
from btql_planner.value import SIZE_BITS, Value, single

MomentOrLength = Annotated[Value, types.TIME | types.INTERVAL]


@scalar(name="epoch")
def epoch(value: Any) -> Float:
    """Return the seconds from the start of 1970 to a time, or the seconds that an interval lasts.

    >>> epoch('2026-11-25T10:30:00.5Z')
    1795602600.5
    """
    terms = [f"date_part('epoch', {value.parts[Kind.INTERVAL]})"] if Kind.INTERVAL in value.parts else []
    if value.type & (types.TIME | types.TEXT):
        moment = single(coerce(value, types.TIME))
        terms.append(f"(CAST(arrow_cast({moment}, 'Int64') AS DOUBLE) / 1000000)")
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.FLOAT)])})"


@scalar(python=has(Kind.INTERVAL), bits=SIZE_BITS)
def whole_part(unit: Text, value: MomentOrLength) -> Integer:
    """Return the number of a unit in a time or an interval, cut to a whole one.

    >>> whole_part('second', '2026-11-25T10:30:15.250Z')
    15
    """
    name = (written_text(unit) or "").lower()
    terms = [part_of_interval(name, unit, value.parts[Kind.INTERVAL])] if Kind.INTERVAL in value.parts else []
    if not terms or value.type != types.INTERVAL:
        terms.append(part_of_time(name, unit, single(coerce(value, types.TIME))))
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join(terms)})"


@form(aliases=("extract",))
def date_part(binder: Binder, span: Span, unit: Node, value: Node) -> Amount:
    """Return a part of a time as a number: its year, quarter, month, week, day, hour, minute, second, and others.

    SQL also writes ``extract(hour FROM value)``. ``second`` has a fraction, ``epoch`` is the seconds since the start of
    1970, ``dow`` counts from Sunday as 0, ``isodow`` from Monday as 1. An interval has what it is shown with: years,
    months, days, hours, minutes and seconds.

    >>> date_part('hour', '2026-11-25T13:45:56Z')
    13
    """
    name = str(unit.value).lower() if isinstance(unit, tree.Literal) else ""
    if name == "epoch":
        return binder.apply("epoch", (value,), span)
    if name.rstrip("s") in ("second", "millisecond"):
        micros = tree.Call("whole_part", (tree.Literal("microsecond", span=unit.span), value), span=span)
        return binder.apply("div", (micros, tree.Literal(LENGTHS[name.rstrip("s")], span=span)), span)
    return binder.apply("whole_part", (unit, value), span)

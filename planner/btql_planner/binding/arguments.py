"""Arguments: which kinds a function or operator takes, and which texts among them are times.

A wrong kind is a mistake where the query itself says so; where documents
happen to hold another kind, the value is null in those rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import assert_never

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors, types
from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Over,
    Parameter,
    PathValue,
    Ranking,
    Reference,
    Subquery,
)
from btql_planner.functions import functions
from btql_planner.functions.function import Function
from btql_planner.intervals import spans_of, spelled
from btql_planner.types import Kind, Type, describe, describe_one
from btql_storage.kinds import TEXT_BYTES_MAX

_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "nseq", "nsne", "in"})
_ARITHMETIC = frozenset({"add", "sub", "mul", "mod", "div", "neg"})
_ALSO: dict[Type, Type] = {
    types.TIME: types.TEXT,
    types.NUMBER: types.BOOLEAN | types.BIG,
    types.FLOAT: types.INTEGER | types.BIG,
    types.INTERVAL: types.TEXT,
    types.TIME | types.INTERVAL: types.TEXT,
    types.NUMBER | types.INTERVAL: types.BOOLEAN | types.BIG,
}
"""What a parameter takes beside its own kinds."""


def check_arguments(function: Function, arguments: Sequence[Expression]) -> None:
    """Raise where an argument can never be of a kind that the function takes."""
    for index, argument in enumerate(arguments):
        parameter = function.parameter(index)
        fits = argument.type & (parameter.type | _ALSO.get(parameter.type, types.NULL))
        if is_certain(argument) and argument.type and not fits:
            message = f"`{function.name}` takes {describe_one(parameter.type)} as `{parameter.name}`"
            raise BtqlError.of(
                errors.WRONG_TYPE, message, argument.span, f"this is {describe_one(argument.type)}",
                help=f"write `{function.signature}`",
            )  # fmt: skip


def as_operands(name: str, arguments: tuple[Expression, ...], span: Span) -> tuple[Expression, ...]:
    """Return an operator's arguments, made comparable, after a check of their types."""
    if name in _COMPARISONS:
        arguments = _with_arrays(_with_intervals(with_times(arguments)))
        _check_comparable(arguments, span)
    elif name in _ARITHMETIC:
        if name in ("add", "sub"):
            arguments = _beside_moments(name, arguments)
        _check_arithmetic(name, arguments)
    elif name in ("like", "ilike"):
        _check_pattern(name, arguments[1])
    return arguments


def takes_keys(left: Expression, right: Expression) -> bool:
    """Return whether a minus takes keys away: ``metadata - 'draft'``."""
    return isinstance(right, Constant) and right.kind in (Kind.TEXT, Kind.LIST) and left.type >= types.JSON


def with_documents(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the arguments of ``||`` with texts of the query read as JSON, too, where they stand beside documents.

    A text that spells an array or an object is one where all others are: what Postgres makes of ``metadata || '{…}'``.
    Beside a list, ``tags || '{a,b}'``, it is an array as Postgres spells them, and any other text one more element.
    """
    if not any(each.type & types.CONTENTS for each in arguments):
        return arguments
    beside_list = any(each.type == types.LIST for each in arguments)
    return tuple(_or_document(each, beside_list=beside_list) for each in arguments)


def _or_document(argument: Expression, *, beside_list: bool) -> Expression:
    from btql_planner.binding.json import document_of

    document = document_of(argument, beside_list=beside_list)
    if document is None and beside_list and argument.type == types.TEXT and is_certain(argument):
        return Apply(functions()["array"], (argument,), types.JSON, span=argument.span)
    if document is None:
        return argument
    return Apply(functions()["text_or_document"], (argument, document), types.TEXT | types.JSON, span=argument.span)


def with_times(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the arguments with every text that stands beside a time read as one."""
    return _read_beside(types.TIME, as_time, arguments)


def as_time(argument: Expression) -> Expression:
    """Return a text of the query as the time that it spells, anything else as it is."""
    if not isinstance(argument, Constant) or not isinstance(argument.value, str) or argument.kind is not Kind.TEXT:
        return argument
    try:
        moment = datetime.fromisoformat(argument.value)
    except ValueError:
        way_out = "write a date or time as ISO 8601: '2026-11-25' or '2026-11-25T10:30:00Z'"
        if spans_of(argument.value) is not None:
            way_out = f"a length of time is written `interval 7 day`, or `to_interval('{argument.value}')`"
        raise BtqlError.of(
            errors.NOT_A_TIME, f"`{argument.value}` is not a time", argument.span, "used as a time", help=way_out
        ) from None
    return Constant(moment if moment.tzinfo else moment.replace(tzinfo=UTC), Kind.TIME, span=argument.span)


def _beside_moments(name: str, arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the arguments of a sum with every text that stands beside a time or an interval read as what goes with it.

    What is added to a time is an interval, and what is taken from one is a time, as in Postgres.
    """
    if name == "add" and any(each.type == types.TIME for each in arguments):
        return tuple(map(as_interval, arguments))
    if any(each.type == types.INTERVAL for each in arguments):
        return tuple(as_interval(each) if _spells_interval(each) else each for each in arguments)
    return with_times(arguments)


def _spells_interval(argument: Expression) -> bool:
    if not isinstance(argument, Constant) or argument.kind is not Kind.TEXT:
        return False
    return spans_of(str(argument.value)) is not None


def _with_intervals(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the arguments with every text that stands beside an interval read as one."""
    return _read_beside(types.INTERVAL, as_interval, arguments)


def _read_beside(
    type_: Type, read: Callable[[Expression], Expression], arguments: tuple[Expression, ...]
) -> tuple[Expression, ...]:
    return tuple(map(read, arguments)) if any(each.type == type_ for each in arguments) else arguments


def as_interval(argument: Expression) -> Expression:
    """Return a text of the query as the interval that it spells, anything else as it is."""
    if not isinstance(argument, Constant) or not isinstance(argument.value, str) or argument.kind is not Kind.TEXT:
        return argument
    spans = spans_of(argument.value)
    if spans is None:
        raise BtqlError.of(
            errors.NOT_A_TIME, f"`{argument.value}` is not an interval", argument.span, "used as an interval",
            help="write `interval 90 minute`, or a text such as '90 minutes' or '1 day 02:30:00'",
        )  # fmt: skip
    return Constant(spelled(spans), Kind.INTERVAL, span=argument.span)


def _with_arrays(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the arguments with lists of texts as JSON where no other argument is such a list."""
    from btql_planner.binding.json import as_json_constant

    others = [argument for argument in arguments if not isinstance(argument, Constant)]
    if not others or any(Kind.LIST in argument.type for argument in others):
        return arguments
    return tuple(as_json_constant(argument) for argument in arguments)


def _check_comparable(arguments: tuple[Expression, ...], span: Span) -> None:
    first = arguments[0]
    for other in arguments[1:]:
        if not (is_certain(first) and is_certain(other) and first.type and other.type):
            continue
        if not _comparable(first.type, other.type):
            message = f"cannot compare {describe(first.type)} with {describe(other.type)}"
            place, label = (
                (other.span, f"this is {describe_one(other.type)}") if other.span.end else (span, "this comparison")
            )
            raise BtqlError.of(errors.WRONG_TYPE, message, place, label, help=_way_to_compare(first, other))


def _way_to_compare(*sides: Expression) -> str | None:
    """Return what to write where a time, or the length of one, is compared with a number."""
    number = next((side for side in sides if side.type & types.NUMERIC), None)
    written = str(number.value) if isinstance(number, Constant) else "seconds"
    if number is None:
        return None
    if any(side.type == types.TIME for side in sides):
        return f"write a time such as '2026-11-25'; seconds since 1970 become one by `to_timestamp({written})`"
    if any(side.type == types.INTERVAL for side in sides):
        return f"write an interval, such as `interval {written} second`"
    return None


def _comparable(one: Type, other: Type) -> bool:
    numeric = types.NUMERIC | types.TEXT
    if one & other or (one & numeric and other & numeric):
        return True
    both = one | other
    texts = bool(types.TEXT & both) and any(kind in both for kind in (Kind.LIST, Kind.TIME, Kind.INTERVAL))
    # A list is asked for one of its elements by IN.
    return texts or bool(types.LIST & both and both & (types.JSON | types.SCALAR))


def _check_arithmetic(name: str, arguments: tuple[Expression, ...]) -> None:
    moments = types.TIME | types.INTERVAL
    on_times = name in ("add", "sub") and any(argument.type & moments for argument in arguments)
    times = [argument for argument in arguments if argument.type == types.TIME]
    backwards = name == "sub" and arguments[0].type == types.INTERVAL and arguments[1].type == types.TIME
    for argument in arguments:
        if not is_certain(argument) or not argument.type:
            continue
        if on_times:
            # A time goes with an interval, or is taken from another time.
            usable = bool(argument.type & (moments | types.TEXT)) and not (name == "add" and len(times) > 1)
            alone = len(times) == 1 and name == "sub" and argument.type & types.NUMERIC
            usable = usable and not alone and not backwards
        elif _takes_interval(name, arguments, argument):
            usable = True
        else:
            usable = bool(argument.type & types.NUMERIC)
        if not usable:
            raise BtqlError.of(
                errors.WRONG_TYPE, "arithmetic needs numbers, or a time and an interval", argument.span,
                f"this is {describe_one(argument.type)}",
                help="times take `+` and `-` with an interval: `now() - interval 1 day`",
            )  # fmt: skip


def _takes_interval(name: str, arguments: tuple[Expression, ...], argument: Expression) -> bool:
    """Whether an argument is the interval that a number multiplies or divides, or that a minus turns round."""
    if Kind.INTERVAL not in argument.type:
        return False
    alone = sum(Kind.INTERVAL in each.type for each in arguments) == 1
    return alone and (name in ("mul", "neg") or (name == "div" and argument is arguments[0]))


def _check_pattern(name: str, pattern: Expression) -> None:
    if is_certain(pattern) and pattern.type and Kind.TEXT not in pattern.type:
        raise BtqlError.of(
            errors.WRONG_TYPE, f"{name.upper()} compares with a pattern, which is a text", pattern.span,
            f"this is {describe_one(pattern.type)}", help="write the pattern in quotes: `'%5%'`",
        )  # fmt: skip


def needs_no_document(name: str, arguments: Sequence[Expression]) -> bool:
    """Whether the columns decide although some values are only in the documents.

    Arrays, objects and texts of more than 1 KiB differ from every short scalar
    and have no order with a number. IN is another matter: it looks into arrays.
    """
    paths = [argument for argument in arguments if isinstance(argument, PathValue)]
    others = [argument for argument in arguments if isinstance(argument, Constant)]
    if len(paths) != 1 or len(others) != len(arguments) - 1:
        return False
    if name in ("eq", "ne", "nseq", "nsne"):
        return all(_is_short(other, paths[0]) for other in others)
    return name in ("lt", "le", "gt", "ge") and all(other.type <= types.NUMERIC for other in others)


def _is_short(constant: Constant, path: PathValue) -> bool:
    if constant.kind is Kind.TEXT:
        return len(str(constant.value).encode()) <= TEXT_BYTES_MAX
    if constant.kind is Kind.BIG:
        return Kind.BIG not in path.type
    return constant.kind not in (Kind.JSON, Kind.LIST)


def is_certain(argument: Expression) -> bool:
    """Whether the type comes from the query itself, not from what documents happen to hold."""
    match argument:
        case Constant() | Column() | Match():
            return True
        case Apply() | AggregateCall():
            return argument.function.certain or all(is_certain(each) for each in argument.arguments)
        case PathValue() | Reference() | Parameter() | Ranking() | Over() | Subquery():
            return False
        case _:
            assert_never(argument)

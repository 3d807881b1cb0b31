"""Parameters: which ones a statement has, and values in their place.

Values are given beside the text and become nodes of the tree, so nothing in them can be read as a part of the
statement. ``?`` are numbered as they stand in the text; a statement has parameters of one kind only.

A value may be None, a boolean, a number, a text, a date or a time, a length of time, a UUID, or a list, tuple or
dictionary of these. Whole decimals are whole numbers; other decimals are the nearest float. Inside of lists and
dictionaries, dates and times are texts in ISO 8601, as they are in documents.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, TypeGuard, TypeVar, cast
from uuid import UUID

from btql_grammar import tree
from btql_grammar.build import INTEGER_MAX
from btql_grammar.depth import Node, children
from btql_grammar.diagnostic import BtqlError
from btql_grammar.printing.expressions import parameter as written
from btql_grammar.span import Span

Key: TypeAlias = int | str
Values: TypeAlias = Sequence[object] | Mapping[str, object]
N = TypeVar("N", bound=tree.Statement)
T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)


class JsonText(str):
    """A text that is a value of JSON already: where any other is read as JSON, by ``$1::jsonb``, this one stays."""

    __slots__ = ()


def parameters_of(statement: tree.Statement) -> dict[Span, Key]:
    """Return the place of each parameter and its key, in the order of the text: a number from 1, or a name."""
    parameters = (node for node in nodes_below(statement) if isinstance(node, tree.Parameter))
    found = sorted(parameters, key=lambda each: each.span.start)
    styles = {type(each.key) for each in found}
    if len(styles) > 1:
        other = next(each for each in found if type(each.key) is not type(found[0].key))
        raise BtqlError.of(
            "B0115", f"`{written(found[0])}` and `{written(other)}` cannot stand in one statement", other.span,
            "another kind of parameter", help="write all of them as `?`, as `$1`, `$2`, … or as `:name`",
        )  # fmt: skip
    return {each.span: number if each.key is None else each.key for number, each in enumerate(found, 1)}


def with_values(statement: N, values: Values) -> N:
    """Return the statement with a value in the place of each parameter."""
    places = parameters_of(statement)
    _check(places, values)
    return _Substitution(places, values).changed(statement)


def each_with_values(statement: tree.Statement, part: T, sequences: Sequence[Values]) -> list[T]:
    """Return a part of a statement once for each sequence of values; no parameter is outside of the part."""
    places = parameters_of(statement)
    found: list[T] = []
    for values in sequences:
        _check(places, values)
        found.append(_Substitution(places, values).changed(part))
    return found


def row_counts(statement: tree.Statement) -> dict[Span, tree.PageField]:
    """Return the places of parameters that stand for a number of rows, or for a cursor."""
    queries = (node for node in nodes_below(statement) if isinstance(node, tree.Query | tree.SetOperation))
    return {parameter.span: clause for query in queries for clause, parameter in query.counts}


def without_value(parameter: tree.Parameter) -> BtqlError:
    """Return the error for a statement that is asked without values."""
    return _unfit(f"the parameter `{written(parameter)}` has no value", parameter.span, "give values beside the query")


def nodes_below(root: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it."""
    waiting: list[Node] = [root]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(children(one))


def _check(places: Mapping[Span, Key], values: Values) -> None:
    """Refuse values that do not fit the parameters."""
    if isinstance(values, Mapping):
        for span, key in places.items():
            if not isinstance(key, str):
                raise _unfit("the values have names, the parameters have none", span, "give them in a list, in order")
            if key not in values:
                raise _unfit(f"the parameter `:{key}` has no value", span, f"give one for `{key}`")
        return
    wanted = max((key for key in places.values() if isinstance(key, int)), default=0)
    for span, key in places.items():
        if isinstance(key, str):
            raise _unfit(f"`:{key}` is a name, but the values are a list", span, "give them in a dictionary, by name")
        if key > len(values):
            raise _unfit(f"{wanted} values are needed, {len(values)} are given", span, "give one for each parameter")
    if wanted < len(values):
        place = max(places, key=lambda each: each.start, default=Span(0, 0))
        raise _unfit(f"{wanted} values are needed, {len(values)} are given", place, "give one for each parameter")


def _unfit(message: str, span: Span, help_: str) -> BtqlError:
    return BtqlError.of("B0115", message, span, "this parameter", help=help_)


class _Substitution:
    """Puts values into a tree."""

    def __init__(self, places: Mapping[Span, Key], values: Values) -> None:
        self._places = places
        self._values = values

    def changed(self, part: T) -> T:
        """Return the statement, or a part of it, with values."""
        return cast("T", self._changed(part))

    def _value(self, parameter: tree.Parameter) -> object:
        key = self._places[parameter.span]
        if isinstance(self._values, Mapping):
            return self._values[str(key)]
        assert isinstance(key, int), "checked before"
        return self._values[key - 1]

    def _given_as_json(self, node: tree.Expression) -> JsonText | None:
        """Return the text of JSON that nothing but casts to JSON stand around."""
        while isinstance(node, tree.Cast) and node.type_name.lower() in ("json", "jsonb"):
            node = node.expression
        value = self._value(node) if isinstance(node, tree.Parameter) else None
        return value if isinstance(value, JsonText) else None

    def _changed(self, value: Any) -> Any:  # noqa: ANN401 - the value of any field of any node
        if isinstance(value, tree.Parameter):
            return node_of(self._value(value), value.span)
        if isinstance(value, tree.Cast) and (given := self._given_as_json(value)) is not None:
            return node_of(given, value.span)
        if isinstance(value, tuple):
            made = tuple(map(self._changed, value))
            return made if any(new is not old for new, old in zip(made, value, strict=True)) else value
        if not hasattr(value, "__dataclass_fields__") or isinstance(value, Span):
            return value
        counts = {}
        if isinstance(value, tree.Query | tree.SetOperation) and value.counts:
            counts = self._counts(value)
        olds = {each.name: getattr(value, each.name) for each in fields(value) if each.name not in counts}
        news = {name: self._changed(old) for name, old in olds.items()}
        changes = {name: new for name, new in news.items() if new is not olds[name]} | counts
        return replace(value, **changes) if changes else value

    def _counts(self, query: tree.Query | tree.SetOperation) -> dict[str, Any]:
        """Return the numbers of rows that parameters stand for, and no parameters any more."""
        found: dict[str, Any] = {"counts": ()}
        for clause, parameter in query.counts:
            value = self._value(parameter)
            if isinstance(value, tree.Cast | tree.Parameter):
                # Whoever describes a statement: how many rows it would be does not matter.
                value = None
            if clause == "offset" and isinstance(value, str) and isinstance(query, tree.Query):
                # In SQL a cursor stands behind OFFSET.
                found["cursor"] = value
            elif clause == "cursor":
                if not isinstance(value, str | None):
                    raise _unfit("a cursor is a text", parameter.span, "give the one of the page before")
                found["cursor"] = value
            elif value is None:
                found[clause] = None
            elif _is_whole(value) and 0 <= value <= INTEGER_MAX:
                found[clause] = int(value)
            else:
                said = f"`{clause}` takes a whole number that is not negative"
                raise _unfit(said, parameter.span, f"give one up to {INTEGER_MAX}")
        return found


def _is_whole(value: object) -> TypeGuard[int | Decimal]:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


POSSIBLE = "a number, a text, a time, or a list or dictionary of these"
"""What a value may be, for whoever gives a set or a series to look in."""


def node_of(value: object, span: Span) -> tree.Expression:
    """Return a value of Python as a node that stands at ``span``."""
    match value:
        case str():
            return tree.Literal(whole(value), span=span)
        case bool() | None:
            return tree.Literal(value, span=span)
        case int():
            return tree.Literal(int(value), span=span)
        case float():
            if math.isfinite(value):
                return tree.Literal(float(value), span=span)
            return _cast(str(float(value)), "double precision", span)
        case Decimal():
            if not value.is_finite():
                return _cast(str(float(value)), "double precision", span)
            return tree.Literal(int(value) if value == value.to_integral_value() else float(value), span=span)
        case datetime():
            return _cast(_instant(value, span).isoformat(), "timestamp", span)
        case date():
            return _cast(value.isoformat(), "date", span)
        case timedelta():
            return tree.Interval(value // _MICROSECOND, "microsecond", span=span)
        case tree.Cast() | tree.Parameter():
            # Whoever describes a statement gives nulls of a kind, and leaves parameters where they are.
            return replace(value, span=span)
        case UUID():
            return tree.Literal(str(value), span=span)
        case Mapping():
            entries = cast("Mapping[object, object]", value).items()
            return tree.Object(tuple((_key(key), _node_inside(each, span)) for key, each in entries), span=span)
        case list() | tuple():
            return tree.Array(tuple(_node_inside(each, span) for each in cast("Sequence[object]", value)), span=span)
        case _:
            kind = type(value).__name__
            raise _unfit(f"a value of type `{kind}` cannot be a parameter", span, f"give {POSSIBLE}")


def whole(text: str) -> str:
    """Return a text with U+FFFD for each lone half of a surrogate pair, as it would be stored."""
    # A member of an enumeration of texts is one of them, and says that it is something else.
    text = str.__str__(text)
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _key(key: object) -> str:
    return whole(key if isinstance(key, str) else str(key))


def _node_inside(value: object, span: Span) -> tree.Expression:
    """Return a value inside of another one: JSON has no times, so they are the texts that documents have."""
    match value:
        case datetime():
            return tree.Literal(spelled(_instant(value, span)), span=span)
        case date():
            return tree.Literal(value.isoformat(), span=span)
        case _:
            return node_of(value, span)


def spelled(instant: datetime) -> str:
    """Return an instant in UTC as documents spell it, to the microsecond."""
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


def in_utc(value: datetime) -> datetime:
    """Return an instant in UTC, which it is where it has no zone; OverflowError where it is of no year there."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NO_TIME = "`{}` is a time that no value here is"
NO_TIME_HELP = "years go from 1 to 9999, in UTC"


def _instant(value: datetime, span: Span) -> datetime:
    try:
        return in_utc(value)
    except OverflowError:
        raise _unfit(NO_TIME.format(value), span, NO_TIME_HELP) from None


def _cast(text: str, type_name: str, span: Span) -> tree.Expression:
    from btql_grammar import build

    return build.cast(tree.Literal(text, span=span), type_name, span, span)

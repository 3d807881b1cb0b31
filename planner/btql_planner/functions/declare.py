"""How a function is declared: in one place, which everything else is read from.

A declaration is one Python function. Its name is the function's name, its
annotations are the signature, its body is the lowering to SQL, its docstring
the documentation, and the example in the docstring a test that runs on the
real engine::

    @scalar
    def lower(value: Text) -> Text:
        \"\"\"Return ``value`` in lower case.

        >>> lower('ÀB')
        'àb'
        \"\"\"
        return f"lower({value})"

A parameter annotated with a type gets the SQL of its argument as that type, a
typed null where the argument's kind is another one. A parameter annotated
``Any`` gets the whole :class:`~btql_planner.value.Value`, and a function may
return one. Declaring a function twice or without an example fails at import.

There are three more kinds of declaration. An :func:`aggregate` writes the
engine's calls with the :class:`Call` that it is given, so that DISTINCT, FILTER,
ORDER BY and OVER reach every one of them. An :func:`operator` is reached by its
symbol. A :func:`form` is taken apart while the query is bound: it gets the
tree of its arguments and returns a typed expression.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, TypedDict, TypeVar, Unpack, cast, get_args, get_type_hints, overload

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner import compare, types, value
from btql_planner.expressions import Expression
from btql_planner.functions.call import PLAIN, Call
from btql_planner.functions.function import (
    Binder,
    Function,
    Lowering,
    OperatorLowering,
    Parameter,
    Test,
    Traits,
    Typing,
)
from btql_planner.functions.registry import REGISTRY
from btql_planner.types import Kind, Type
from btql_planner.value import Value

Text = Annotated[str, types.TEXT]
Integer = Annotated[str, types.INTEGER]
Float = Annotated[str, types.FLOAT]
Number = Annotated[str, types.NUMBER]
WholeValue = Annotated[Value, types.INTEGER]
"""A whole number as a Value, which says how large it may be."""
NumberValue = Annotated[Value, types.NUMBER]
"""A number as a Value, for a body that must know how large it may be."""
Measure = Annotated[Value, types.NUMBER | types.INTERVAL]
"""A number or an interval."""
Boolean = Annotated[str, types.BOOLEAN]
Time = Annotated[str, types.TIME]
Interval = Annotated[str, types.INTERVAL]
List = Annotated[str, types.LIST]
Json = Annotated[str, types.JSON]
Any = Annotated[Value, types.ANY | types.TIME | types.LIST | types.INTERVAL]
Node = Annotated[tree.Expression, types.ANY]
"""The argument of a form, as the query spells it."""
Condition = Annotated[Expression, types.BOOLEAN]
Moment = Annotated[Expression, types.TIME]
Amount = Annotated[Expression, types.FLOAT]
Anything = Annotated[Expression, types.ANY]


Body = Callable[..., str | Value]
B = TypeVar("B", bound=Callable[..., object])


class Options(Traits, total=False):
    """What a declaration may say beside its body."""

    name: str
    """Where the name is no Python name of its own."""
    aliases: Sequence[str]
    returns: Typing
    """The result's type, where it depends on the arguments'."""
    bits: int
    """Of the whole numbers that may be the result: each is below two to this power."""


@overload
def scalar(declaration: B, /) -> B: ...
@overload
def scalar(**options: Unpack[Options]) -> Callable[[B], B]: ...
def scalar(declaration: Callable[..., object] | None = None, /, **options: Unpack[Options]) -> object:
    """Declare a scalar function; see the module text."""

    def declare(body: Callable[..., object]) -> Callable[..., object]:
        return _declare(cast("Body", body), aggregate=False, **options)

    return declare if declaration is None else declare(declaration)


@overload
def aggregate(declaration: B, /) -> B: ...
@overload
def aggregate(**options: Unpack[Options]) -> Callable[[B], B]: ...
def aggregate(declaration: Callable[..., object] | None = None, /, **options: Unpack[Options]) -> object:
    """Declare an aggregate; its body returns SQL over all rows of a group."""

    def declare(body: Callable[..., object]) -> Callable[..., object]:
        return _declare(cast("Body", body), aggregate=True, **options)

    return declare if declaration is None else declare(declaration)


def operator(
    name: str, returns: Type | Typing, **traits: Unpack[Traits]
) -> Callable[[OperatorLowering], OperatorLowering]:
    """Declare an operator: any values in, any value out, no name to call it by."""

    def declare(lowering: OperatorLowering) -> OperatorLowering:
        parameter = Parameter("value", get_args(Any)[1], whole=True)
        typing = returns if callable(returns) else _always(returns)

        def lower(values: Sequence[Value], *, exact: bool, call: Call = PLAIN) -> Value:  # noqa: ARG001
            return lowering(values, exact=exact)

        function = Function(
            name, (parameter,), variadic=True, returns=typing, lower=lower, documentation="", hidden=True,
            certain=not callable(returns), **traits,
        )  # fmt: skip
        REGISTRY.declare(name, lambda: function)
        return lowering

    return declare


def form(*, aliases: Sequence[str] = ()) -> Callable[[B], B]:
    """Declare a function that is bound by its own rules: its body gets the binder, trees, and the span of the call."""

    def declare(body: B) -> B:
        def expand(binder: Binder, nodes: Sequence[tree.Expression], span: Span) -> Expression:
            return cast("Expression", body(binder, span, *nodes))

        def make(own: Naming) -> Function:
            parameters, variadic, (_, result) = _signature(body, 2)
            return Function(
                parameters=parameters,
                variadic=variadic,
                returns=_always(result),
                lower=_no_lowering,
                expand=expand,
                **own,
            )

        _register(body, None, aliases, make)
        return body

    return declare


def _no_lowering(values: Sequence[Value], *, exact: bool, call: Call = PLAIN) -> Value:
    raise AssertionError(f"a form is no part of a plan: {values}, {exact}, {call}")


def number_type(arguments: Sequence[Type]) -> Type:
    """Return INTEGER where every number is whole, else FLOAT."""
    fractional = any(argument & (types.FLOAT | types.BIG) for argument in arguments)
    return types.FLOAT if fractional or not any(Kind.INTEGER in a for a in arguments) else types.INTEGER


def has(kind: Kind) -> Test:
    """Return whether any argument may be of a kind."""
    return lambda arguments: any(kind in argument for argument in arguments)


def union_type(arguments: Sequence[Type]) -> Type:
    """Return every kind that any argument may have."""
    return types.NULL.union(*arguments)


def dynamic_type(arguments: Sequence[Type]) -> Type:  # noqa: ARG001
    """Return every kind that a value of JSON may have."""
    return types.ANY


def _declare(
    body: Body, *, aggregate: bool, name: str | None = None, aliases: Sequence[str] = (),
    returns: Typing | None = None, bits: int = value.BITS, **traits: Unpack[Traits],
) -> Body:  # fmt: skip
    def make(own: Naming) -> Function:
        parameters, variadic, (base, result) = _signature(body)
        typing = returns or (number_type if result == types.NUMBER else _always(result))
        lower = _lowering(body, parameters, result, bits, aggregate=aggregate)
        return Function(
            parameters=parameters, variadic=variadic, returns=typing, lower=lower, aggregate=aggregate,
            certain=base is not Value or len(result) == 1, **own, **traits,
        )  # fmt: skip

    _register(body, name, aliases, make)
    return body


class Naming(TypedDict):
    """What a function is called, and what is said of it."""

    name: str
    alias_of: str | None
    documentation: str
    topic: str


def _register(
    body: Callable[..., object], name: str | None, aliases: Sequence[str], make: Callable[[Naming], Function]
) -> None:
    """Declare a function under each of its names."""
    if ">>>" not in (body.__doc__ or ""):
        raise TypeError(f"function {body.__name__} has no example")
    own = name or body.__name__

    def named(called: str) -> Function:
        # Only now is the text put in order: few of the functions that are declared are ever called.
        documentation = inspect.cleandoc(body.__doc__ or "")
        topic = body.__module__.rpartition(".")[2]
        alias_of = own if called != own else None
        return make(Naming(name=called, alias_of=alias_of, documentation=documentation, topic=topic))

    for each in (own, *aliases):
        REGISTRY.declare(each, partial(named, each))


def _signature(body: Callable[..., object], skipped: int = 0) -> tuple[tuple[Parameter, ...], bool, tuple[type, Type]]:
    """Return the parameters of a body behind the first ones, whether the last may be many, and what it returns."""
    hints = get_type_hints(body, include_extras=True)
    own = [each for each in inspect.signature(body).parameters.values() if each.kind is not each.KEYWORD_ONLY]
    parameters: list[Parameter] = []
    for each in own[skipped:]:
        base, type_ = get_args(hints[each.name])
        # Of many items there may be none, unless they are all that a function takes.
        none = each.kind is each.VAR_POSITIONAL and len(own) > 1
        parameters.append(Parameter(each.name, type_, base is Value, none or each.default is not each.empty))
    variadic = any(each.kind is each.VAR_POSITIONAL for each in own)
    return tuple(parameters), variadic, get_args(hints["return"])


def _always(result: Type) -> Typing:
    return lambda _: result


def _lowering(body: Body, parameters: Sequence[Parameter], result: Type, bits: int, *, aggregate: bool) -> Lowering:
    def lower(values: Sequence[Value], *, exact: bool, call: Call = PLAIN) -> Value:  # noqa: ARG001
        arguments: list[object] = []
        numeric: list[Type] = []
        for index, argument in enumerate(values):
            parameter = parameters[min(index, len(parameters) - 1)]
            if parameter.whole:
                arguments.append(argument)
                continue
            coerced = coerce(argument, parameter.type)
            if parameter.type == types.NUMBER:
                numeric.append(coerced.type)
            arguments.append(value.single(coerced))
        returned = body(*arguments, call=call) if aggregate else body(*arguments)
        if isinstance(returned, Value):
            return returned
        (kind,) = number_type(numeric) if result == types.NUMBER else result
        return Value({kind: returned}, bits=bits)

    return lower


def coerce(argument: Value, wanted: Type) -> Value:
    """Return the argument as a value of exactly one of the ``wanted`` kinds, null where it is another."""
    if wanted == types.NUMBER:
        return value.number(argument, booleans=True)
    (kind,) = wanted
    if kind is Kind.FLOAT:
        return value.of(kind, f"CAST({value.single(value.number(argument))} AS DOUBLE)")
    if kind is Kind.TIME and Kind.TEXT in argument.parts:
        as_time = compare.as_time(argument.parts[Kind.TEXT])
        own = argument.parts.get(kind)
        return value.of(kind, as_time if own is None else f"coalesce({own}, {as_time})")
    return value.of(kind, argument.get(kind))

"""How a function is declared, and the registry that everything looks it up in.

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
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol, TypeVar, get_args, get_type_hints, overload

from btql_planner import compare, types, value
from btql_planner.types import Kind, Type
from btql_planner.value import Value

Text = Annotated[str, types.TEXT]
Integer = Annotated[str, types.INTEGER]
Float = Annotated[str, types.FLOAT]
Number = Annotated[str, types.NUMBER]
NumberValue = Annotated[Value, types.NUMBER]
"""A number as a Value, for a body that must know how large it may be."""
Boolean = Annotated[str, types.BOOLEAN]
Time = Annotated[str, types.TIME]
List = Annotated[str, types.LIST]
Any = Annotated[Value, types.ANY | types.TIME | types.LIST]


class ArgumentError(Exception):
    """An argument that can only be judged by its value is wrong; raised by a declaration's body."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


_NUMBER = re.compile(r"(?:CAST\()*\(?(-?[0-9][0-9.e+-]*)\)?(?: AS DOUBLE\))*")


def written_number(sql: str) -> float | None:
    """Return the number that an argument spells out in the query, None where it is computed."""
    matched = _NUMBER.fullmatch(sql)
    return None if matched is None else float(matched[1])


Typing = Callable[[Sequence[Type]], Type]


class Lowering(Protocol):
    """What turns argument values into the result's."""

    def __call__(self, values: Sequence[Value], *, exact: bool) -> Value:
        """Return the result; with ``exact``, null must stay apart from false."""
        ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name and the kinds it takes."""

    name: str
    type: Type
    whole: bool
    """The body gets the Value rather than SQL of one kind."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A declared function; two are the same when their names are."""

    name: str
    parameters: tuple[Parameter, ...] = field(compare=False, repr=False)
    variadic: bool = field(compare=False, repr=False)
    returns: Typing = field(compare=False, repr=False)
    lower: Lowering = field(compare=False, repr=False)
    """From argument values to the result."""
    documentation: str = field(compare=False, repr=False)
    aggregate: bool = field(default=False, compare=False, repr=False)
    hidden: bool = field(default=False, compare=False, repr=False)
    """An operator: reached by its symbol, not by its name."""
    scalar: bool = field(default=False, compare=False, repr=False)
    """What arrays, objects and long texts hold makes no difference to the result."""
    certain: bool = field(default=True, compare=False, repr=False)
    """The result type does not depend on the data."""
    volatile: bool = field(default=False, compare=False, repr=False)
    """Two calls may give different results."""

    def accepts(self, count: int) -> bool:
        """Whether the function can be called with ``count`` arguments."""
        least = sum(not parameter.optional for parameter in self.parameters)
        return count >= least and (self.variadic or count <= len(self.parameters))

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that argument number ``index`` (from 0) belongs to."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    @property
    def signature(self) -> str:
        """The function as it is called: ``round(value, [digits])``."""
        names = [f"[{p.name}]" if p.optional else p.name for p in self.parameters]
        return f"{self.name}({', '.join(names)}{', …' if self.variadic else ''})"


REGISTRY: dict[str, Function] = {}

Body = Callable[..., str | Value]
B = TypeVar("B", bound=Body)


@overload
def scalar(declaration: B, /) -> B: ...
@overload
def scalar(
    *, name: str | None = None, aliases: Sequence[str] = (), returns: Typing | None = None,
    scalar: bool = False, volatile: bool = False,
) -> Callable[[B], B]: ...  # fmt: skip
def scalar(
    declaration: Body | None = None, /, *, name: str | None = None, aliases: Sequence[str] = (),
    returns: Typing | None = None, scalar: bool = False, volatile: bool = False,
) -> object:  # fmt: skip
    """Declare a scalar function; see the module text."""

    def declare(body: Body) -> Body:
        return _declare(body, _Options(name, tuple(aliases), returns, scalar, volatile, aggregate=False))

    return declare if declaration is None else declare(declaration)


@overload
def aggregate(declaration: B, /) -> B: ...
@overload
def aggregate(*, name: str | None = None, returns: Typing | None = None, scalar: bool = False) -> Callable[[B], B]: ...
def aggregate(
    declaration: Body | None = None, /, *, name: str | None = None, returns: Typing | None = None, scalar: bool = False
) -> object:
    """Declare an aggregate; its body returns SQL over all rows of a group."""

    def declare(body: Body) -> Body:
        return _declare(body, _Options(name, (), returns, scalar, volatile=False, aggregate=True))

    return declare if declaration is None else declare(declaration)


def operator(name: str, returns: Type | Typing, *, scalar: bool = False) -> Callable[[Lowering], Lowering]:
    """Declare an operator: any values in, any value out, no name to call it by."""

    def declare(lowering: Lowering) -> Lowering:
        parameter = Parameter("value", types.ANY | types.TIME | types.LIST | types.INTERVAL, whole=True)
        typing = returns if callable(returns) else _always(returns)
        certain = not callable(returns)
        function = Function(name, (parameter,), True, typing, lowering, "", hidden=True, certain=certain, scalar=scalar)  # noqa: FBT003
        _register(function)
        return lowering

    return declare


def number_type(arguments: Sequence[Type]) -> Type:
    """Return INTEGER where every number is whole, else FLOAT."""
    fractional = any(Kind.FLOAT in argument for argument in arguments)
    return types.FLOAT if fractional or not any(Kind.INTEGER in a for a in arguments) else types.INTEGER


def union_type(arguments: Sequence[Type]) -> Type:
    """Return every kind that any argument may have."""
    return types.NULL.union(*arguments)


@dataclass(frozen=True, slots=True)
class _Options:
    name: str | None
    aliases: tuple[str, ...]
    returns: Typing | None
    scalar: bool
    volatile: bool
    aggregate: bool


def _declare(body: Body, options: _Options) -> Body:
    hints = get_type_hints(body, include_extras=True)
    parameters: list[Parameter] = []
    variadic = False
    for parameter in inspect.signature(body).parameters.values():
        base, type_ = get_args(hints[parameter.name])
        variadic = variadic or parameter.kind is parameter.VAR_POSITIONAL
        optional = parameter.default is not parameter.empty
        parameters.append(Parameter(parameter.name, type_, base is Value, optional))
    base, result = get_args(hints["return"])
    documentation = inspect.cleandoc(body.__doc__ or "")
    if ">>>" not in documentation:
        raise TypeError(f"function {body.__name__} has no example")
    returns = options.returns or (number_type if result == types.NUMBER else _always(result))
    for name in (options.name or body.__name__, *options.aliases):
        function = Function(
            name, tuple(parameters), variadic, returns, _lowering(body, parameters, result), documentation,
            aggregate=options.aggregate, certain=base is not Value, scalar=options.scalar, volatile=options.volatile,
        )  # fmt: skip
        _register(function)
    return body


def _always(result: Type) -> Typing:
    return lambda _: result


def _register(function: Function) -> None:
    if function.name in REGISTRY:
        raise TypeError(f"function {function.name} is declared twice")
    REGISTRY[function.name] = function


def _lowering(body: Body, parameters: Sequence[Parameter], result: Type) -> Lowering:
    def lower(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
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
        returned = body(*arguments)
        if isinstance(returned, Value):
            return returned
        (kind,) = number_type(numeric) if result == types.NUMBER else result
        return value.of(kind, returned)

    return lower


def coerce(argument: Value, wanted: Type) -> Value:
    """Return the argument as a value of exactly one of the ``wanted`` kinds, null where it is another."""
    if wanted == types.NUMBER:
        return value.number(argument, booleans=True)
    (kind,) = wanted
    if kind is Kind.FLOAT:
        return value.of(kind, f"CAST({value.single(value.number(argument))} AS DOUBLE)")
    if kind is Kind.TIME and Kind.TIME not in argument.parts and Kind.TEXT in argument.parts:
        return value.of(kind, compare.as_time(argument.parts[Kind.TEXT]))
    return value.of(kind, argument.get(kind))

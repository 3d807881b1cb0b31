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

There are three more kinds of declaration. An :func:`aggregate` writes the
engine's calls with the :class:`Call` that it is given, so that DISTINCT, FILTER,
ORDER BY and OVER reach every one of them. An :func:`operator` is reached by its
symbol. A :func:`form` is taken apart while the query is bound: it gets the
tree of its arguments and returns a typed expression.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import Annotated, Literal, Protocol, TypedDict, TypeVar, Unpack, cast, get_args, get_type_hints, overload

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner import compare, types, value
from btql_planner.expressions import Constant, ConstantValue, Expression
from btql_planner.functions.call import PLAIN, Call
from btql_planner.prices import Prices
from btql_planner.types import Kind, Type
from btql_planner.value import Value

Text = Annotated[str, types.TEXT]
Integer = Annotated[str, types.INTEGER]
Float = Annotated[str, types.FLOAT]
Number = Annotated[str, types.NUMBER]
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


Typing = Callable[[Sequence[Type]], Type]
Test = Callable[[Sequence[Type]], bool]
Known = Callable[[Sequence[Constant]], ConstantValue]


class Lowering(Protocol):
    """What turns argument values into the result's."""

    def __call__(self, values: Sequence[Value], /, *, exact: bool, call: Call = PLAIN) -> Value:
        """Return the result; with ``exact``, null must stay apart from false."""
        ...


class OperatorLowering(Protocol):
    """The lowering of an operator, which is never an aggregate."""

    def __call__(self, values: Sequence[Value], /, *, exact: bool) -> Value:
        """Return the result; with ``exact``, null must stay apart from false."""
        ...


class Binder(Protocol):
    """What a form may ask of whoever binds the query."""

    def now(self) -> datetime:
        """Return the time at which the query is planned."""
        ...

    def prices(self) -> Prices:
        """Return what models cost."""
        ...

    def bind(self, node: tree.Expression) -> Expression:
        """Return the typed expression for a tree node."""
        ...

    def apply(self, name: str, nodes: Sequence[tree.Expression], span: Span) -> Expression:
        """Return a function or operator applied to arguments that are still to be bound."""
        ...

    def apply_to(self, function: Function, arguments: Sequence[Expression], span: Span) -> Expression:
        """Return a function or operator applied to bound arguments."""
        ...


Expansion = Callable[[Binder, Sequence[tree.Expression], Span], Expression]
Order = Literal["none", "by", "within"]


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
    topic: str = field(default="", compare=False, repr=False)
    """The module of the declaration: ``text``, ``time``, …"""
    alias_of: str | None = field(default=None, compare=False, repr=False)
    aggregate: bool = field(default=False, compare=False, repr=False)
    hidden: bool = field(default=False, compare=False, repr=False)
    """An operator: reached by its symbol, not by its name."""
    scalar: bool = field(default=False, compare=False, repr=False)
    """What arrays, objects and long texts hold makes no difference to the result."""
    certain: bool = field(default=True, compare=False, repr=False)
    """The result type does not depend on the data."""
    known: Known | None = field(default=None, compare=False, repr=False)
    """Gives the result for constants while the query is planned, None where only the engine can tell."""
    volatile: bool = field(default=False, compare=False, repr=False)
    """Two calls may give different results."""
    python: bool | Test = field(default=False, compare=False, repr=False)
    """Runs in Python, row by row: never inside a scan. A test of the arguments' types where only some do."""
    buckets: bool = field(default=False, compare=False, repr=False)
    """Cuts the last argument, a time, into the days, hours, … of the clock of ``tz_offset``."""
    order: Order = field(default="none", compare=False, repr=False)
    """Whether an aggregate takes ``ORDER BY`` in its parentheses, or ``WITHIN GROUP (ORDER BY value)`` behind them."""
    distinct: bool = field(default=True, compare=False, repr=False)
    """Whether an aggregate takes DISTINCT."""
    expand: Expansion | None = field(default=None, compare=False, repr=False)
    """What binds a form."""

    def accepts(self, count: int) -> bool:
        """Whether the function can be called with ``count`` arguments."""
        least = sum(not parameter.optional for parameter in self.parameters)
        return count >= least and (self.variadic or count <= len(self.parameters))

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that argument number ``index`` (from 0) belongs to."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def in_python(self, arguments: Sequence[Type]) -> bool:
        """Whether a call with arguments of these types runs in Python."""
        return self.python(arguments) if callable(self.python) else self.python

    @property
    def signature(self) -> str:
        """The function as it is called: ``round(value, [digits])``."""
        names = [f"[{p.name}]" if p.optional else p.name for p in self.parameters]
        if self.order == "within":
            return f"{self.name}({', '.join(names[:-1])}) WITHIN GROUP (ORDER BY {names[-1]})"
        return f"{self.name}({', '.join(names)}{', …' if self.variadic else ''})"


class Registry(Mapping[str, Function]):
    """Functions by name. One is made from its declaration, and its module loaded, when it is first asked for."""

    def __init__(self) -> None:
        self._declared: dict[str, Callable[[], Function]] = {}
        self._made: dict[str, Function] = {}
        self._loaders: list[Callable[[], object]] = []
        self._loading = RLock()

    def declare(self, name: str, make: Callable[[], Function]) -> None:
        """Add a function."""
        if name in self._declared:
            raise TypeError(f"function {name} is declared twice")
        self._declared[name] = make

    def load_from(self, loaders: Sequence[Callable[[], object]]) -> None:
        """Say what declares more functions, in the order in which it is to be asked."""
        self._loaders = list(loaders)

    def __getitem__(self, name: str) -> Function:
        """Return the function of a name."""
        found = self._made.get(name)
        if found is not None:
            return found
        if name not in self:
            raise KeyError(name)
        found = self._made[name] = self._declared[name]()
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is a function of that name."""
        if name not in self._declared:
            with self._loading:
                while name not in self._declared and self._loaders:
                    self._load_next()
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        """Yield every name."""
        self._load_all()
        return iter(self._declared)

    def __len__(self) -> int:
        """Return how many functions there are."""
        self._load_all()
        return len(self._declared)

    def _load_all(self) -> None:
        with self._loading:
            while self._loaders:
                self._load_next()

    def _load_next(self) -> None:
        # Another thread must not find the list empty while the last module is still being read.
        self._loaders[0]()
        del self._loaders[0]


REGISTRY = Registry()

Body = Callable[..., str | Value]
B = TypeVar("B", bound=Callable[..., object])


class Options(TypedDict, total=False):
    """What a declaration may say beside its body; the fields of :class:`Function` tell what it means."""

    name: str
    """Where the name is no Python name of its own."""
    aliases: Sequence[str]
    returns: Typing
    """The result's type, where it depends on the arguments'."""
    scalar: bool
    known: Known
    volatile: bool
    python: bool | Test
    buckets: bool
    order: Order
    distinct: bool


@overload
def scalar(declaration: B, /) -> B: ...
@overload
def scalar(**options: Unpack[Options]) -> Callable[[B], B]: ...
def scalar(declaration: Callable[..., object] | None = None, /, **options: Unpack[Options]) -> object:
    """Declare a scalar function; see the module text."""

    def declare(body: Callable[..., object]) -> Callable[..., object]:
        return _declare(cast("Body", body), options, aggregate=False)

    return declare if declaration is None else declare(declaration)


@overload
def aggregate(declaration: B, /) -> B: ...
@overload
def aggregate(**options: Unpack[Options]) -> Callable[[B], B]: ...
def aggregate(declaration: Callable[..., object] | None = None, /, **options: Unpack[Options]) -> object:
    """Declare an aggregate; its body returns SQL over all rows of a group."""

    def declare(body: Callable[..., object]) -> Callable[..., object]:
        return _declare(cast("Body", body), options, aggregate=True)

    return declare if declaration is None else declare(declaration)


def operator(
    name: str, returns: Type | Typing, *, scalar: bool = False, python: bool | Test = False
) -> Callable[[OperatorLowering], OperatorLowering]:
    """Declare an operator: any values in, any value out, no name to call it by."""

    def declare(lowering: OperatorLowering) -> OperatorLowering:
        parameter = Parameter("value", get_args(Any)[1], whole=True)
        typing = returns if callable(returns) else _always(returns)

        def lower(values: Sequence[Value], *, exact: bool, call: Call = PLAIN) -> Value:  # noqa: ARG001
            return lowering(values, exact=exact)

        function = Function(
            name, (parameter,), variadic=True, returns=typing, lower=lower, documentation="", hidden=True,
            certain=not callable(returns), scalar=scalar, python=python,
        )  # fmt: skip
        REGISTRY.declare(name, lambda: function)
        return lowering

    return declare


def form(*, aliases: Sequence[str] = (), name: str | None = None) -> Callable[[B], B]:
    """Declare a function that is bound by its own rules: its body gets the binder, trees, and the span of the call."""

    def declare(body: B) -> B:
        documentation = _documentation(body)
        own = name or body.__name__

        def make(alias: str) -> Function:
            parameters, variadic, (_, result) = _signature(body, 2)

            def expand(binder: Binder, nodes: Sequence[tree.Expression], span: Span) -> Expression:
                return cast("Expression", body(binder, span, *nodes))

            return Function(
                alias, parameters, variadic, returns=_always(result), lower=_no_lowering,
                documentation=inspect.cleandoc(documentation), topic=_topic(body),
                alias_of=own if alias != own else None, expand=expand,
            )  # fmt: skip

        for alias in (own, *aliases):
            REGISTRY.declare(alias, lambda alias=alias: make(alias))  # type: ignore[misc]
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


def _documentation(body: Callable[..., object]) -> str:
    if ">>>" not in (body.__doc__ or ""):
        raise TypeError(f"function {body.__name__} has no example")
    return body.__doc__ or ""


def _topic(body: Callable[..., object]) -> str:
    return body.__module__.rpartition(".")[2]


def _declare(body: Body, options: Options, *, aggregate: bool) -> Body:
    documentation = _documentation(body)
    own = options.get("name", body.__name__)
    for name in (own, *options.get("aliases", ())):

        def make(name: str = name) -> Function:
            made = _make(body, options, name, aggregate=aggregate)
            return replace(made, documentation=inspect.cleandoc(documentation), alias_of=own if name != own else None)

        REGISTRY.declare(name, make)
    return body


def _make(body: Body, options: Options, name: str, *, aggregate: bool) -> Function:
    parameters, variadic, (base, result) = _signature(body)
    returns = options.get("returns") or (number_type if result == types.NUMBER else _always(result))
    return Function(
        name, parameters, variadic, returns, _lowering(body, parameters, result, aggregate=aggregate), "",
        topic=_topic(body), aggregate=aggregate, certain=base is not Value,
        scalar=options.get("scalar", False), known=options.get("known"), volatile=options.get("volatile", False),
        python=options.get("python", False), buckets=options.get("buckets", False),
        order=options.get("order", "none"), distinct=options.get("distinct", True),
    )  # fmt: skip


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


def _lowering(body: Body, parameters: Sequence[Parameter], result: Type, *, aggregate: bool) -> Lowering:
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
        return value.of(kind, returned)

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

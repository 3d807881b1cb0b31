"""What a function is to the planner: its parameters, its type, what it becomes, and what else is known of it.

A function is made of its declaration (:mod:`~btql_planner.functions.declare`), and calls in a plan carry it along.
What is true of some functions only is a field with a default; the name of that field in :class:`Traits` lets
declarations say it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypedDict

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner.expressions import Constant, ConstantValue, Expression
from btql_planner.functions.call import PLAIN, Call
from btql_planner.prices import Prices
from btql_planner.types import Type
from btql_planner.value import Value

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

    def field(self, *path: str, span: Span) -> Expression:
        """Return a field that the query does not name itself: where no row has it, no warning says so."""
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
    scalars_only: bool = field(default=False, compare=False, repr=False)
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


class Traits(TypedDict, total=False):
    """The fields of a :class:`Function` that its declaration may set."""

    scalars_only: bool
    known: Known
    volatile: bool
    python: bool | Test
    buckets: bool
    order: Order
    distinct: bool

"""Plans, kept from one query to the next.

To make a plan of a text takes longer than to look a row up, and applications send the same texts all day. Making a plan
is a function of what it is given: the statement, its options, the rules that are off, and what the catalogs say of
names and fields, and what models are said to cost. So what was asked of those, and what they said, is written down
while a plan is made (:class:`Asked`). The next time each question is asked again, in the same order, of the snapshots
of that query; where all answers are the same, the plan is, too, and where one is not, a plan is made anew. Writes,
compaction, another permission, another registered name or another price are noticed if, and only if, they matter to
the plan.

A plan that also depends on something else is not kept: on the present (``now()``), or on a seed that was drawn for it
(``BoundQuery.repeats``). Plans have no names of snapshots or files in them, and whoever runs one changes
nothing in it, so that several threads may run one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast
from uuid import UUID

from btql.repeated import CHARACTERS_MAX
from btql_grammar import tree
from btql_grammar.span import Source
from btql_planner.binding.bind import BoundQuery, bind
from btql_planner.catalog import Availability, Catalogs, FieldCatalog
from btql_planner.engine_plan import EnginePlan
from btql_planner.lint import Lint, lint
from btql_planner.lowering.lower import lower
from btql_planner.options import QueryOptions
from btql_planner.plan import Plan
from btql_planner.prices import Prices, PriceSource
from btql_planner.rules import apply_rules
from btql_storage.cache_budget import Cache

if TYPE_CHECKING:
    from btql_grammar.parameters import Values
    from btql_storage.cache_budget import CacheBudget

KEPT_MAX = 256
"""So many plans are kept; 0 keeps none."""
_ITEMS_MAX = 1_000
"""Where a catalog has said more than this many names, they would be most of what is kept."""
_BYTES, _OUTPUT_BYTES, _ITEM_BYTES = 20_000, 4_000, 200
"""About what a plan takes, and more for each of its columns and each name that a catalog has said."""
_PLAIN = (str, int, float, bool, bytes, datetime, date, Decimal, UUID, type(None))
"""Values whose ``repr`` says all of them."""

Path: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[str, tuple[object, ...], QueryOptions, frozenset[str]]
_Question: TypeAlias = "Callable[[Catalogs, list[FieldCatalog]], object]"
"""It is asked of the catalogs, or of one of the fields that they have named so far."""
_Answer: TypeAlias = tuple[_Question, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement in each of its forms, without the snapshots that it reads."""

    bound: BoundQuery
    rewritten: Plan
    engine: EnginePlan
    lints: tuple[Lint, ...] = ()


def planned(
    statement: tree.Statement,
    source: Source,
    catalogs: Catalogs,
    options: QueryOptions,
    disabled_rules: Collection[str] = (),
    check: Callable[[], None] = lambda: None,
) -> Planned:
    """Return the plan of a statement that was read from ``source``; ``options`` are settled, ``check`` may raise."""
    bound = bind(statement, source, catalogs, options)
    check()
    rewritten = apply_rules(bound.plan, disabled_rules)
    check()
    lints = lint(statement, rewritten, mode=options.lint, previews=bound.answer.preview_length is not None)
    return Planned(bound, rewritten, lower(rewritten, bound.answer), lints)


def key_of(
    query: str | Mapping[str, object],
    parameters: Values | None,
    options: QueryOptions,
    disabled_rules: Collection[str] = (),
) -> Key | None:
    """Return what a plan is kept under; None where it is not kept."""
    if not isinstance(query, str) or len(query) > CHARACTERS_MAX or not KEPT_MAX:
        return None
    values: list[object] = []
    if parameters is not None:
        values.append(isinstance(parameters, Mapping))
        for name, value in parameters.items() if isinstance(parameters, Mapping) else enumerate(parameters):
            if type(value) not in _PLAIN:
                return None
            # Equal values may have different plans: 1, 1.0 and true, or one instant in two zones.
            values.append((name, type(value), value if isinstance(value, str) else repr(value)))
    return query, tuple(values), options, frozenset(disabled_rules)


class Asked:
    """Catalogs that write down what they were asked, and what they have said."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self.answers: list[_Answer] = []
        """In the order in which they were asked. They hold nothing of the catalogs, which may have files open."""
        self._sources = 0
        self.items = 0
        """Names in all answers."""

    def prices_of(self, source: PriceSource) -> PriceSource:
        """Return what gives the prices of ``source``, and writes down that they were asked for."""

        def prices() -> Prices:
            found = source()
            self.note(lambda _, __: source(), found)
            return found

        return prices

    def resolve(self, table: tree.Table) -> tree.From:
        """Return the object that a bare name means."""
        found = self._catalogs.resolve(table)
        self.note(lambda catalogs, _: catalogs.resolve(table), found)
        return found

    def fields(self, source: tree.From) -> FieldCatalog:
        """Return the fields of a source."""
        fields = self._catalogs.fields(source)
        self.note(lambda catalogs, known: known.append(catalogs.fields(source)), None)
        self._sources += 1
        return _AskedFields(self, self._sources - 1, fields)

    def note(self, question: _Question, answer: object) -> None:
        """Write down a question and its answer."""
        self.answers.append((question, answer))
        self.items += len(answer) if isinstance(answer, list | frozenset | Mapping) else 1


def _say_the_same(catalogs: Catalogs, answers: Iterable[_Answer]) -> bool:
    """Whether catalogs say what others have said; they may raise what they would raise while a plan is made."""
    known: list[FieldCatalog] = []
    return all(question(catalogs, known) == answer for question, answer in answers)


class _AskedFields:
    """The fields of one source, each question written down when it is first asked."""

    def __init__(self, asked: Asked, number: int, fields: FieldCatalog) -> None:
        self._asked = asked
        self._number = number
        self._fields = fields
        self._known: dict[tuple[str, Path], object] = {}

    def availability(self, path: Path) -> Availability:
        """Return what is known of ``path``."""
        return self._say("availability", path, lambda fields: fields.availability(path))

    def paths(self) -> Collection[Path]:
        """Return every path that was seen."""
        return self._say("paths", (), lambda fields: frozenset(fields.paths()))

    def keys_below(self, above: Path) -> Collection[str]:
        """Return the keys that were seen directly below ``above``."""
        return self._say("keys_below", above, lambda fields: frozenset(fields.keys_below(above)))

    def constants(self) -> dict[str, str | None]:
        """Return the fields that have one value for the whole object."""
        return dict(self._say("constants", (), lambda fields: list(fields.constants().items())))

    def varying(self) -> Collection[str]:
        """Return the fields that say which of several objects a row is from."""
        return self._say("varying", (), lambda fields: list(fields.varying()))

    def rows(self) -> int:
        """Return how many rows there are, at most."""
        return self._say("rows", (), lambda fields: fields.rows())

    def _say(self, question: str, path: Path, ask: Callable[[FieldCatalog], T]) -> T:
        number = self._number
        if (question, path) not in self._known:
            answer = self._known[question, path] = ask(self._fields)
            self._asked.note(lambda _, known: ask(known[number]), answer)
        return cast("T", self._known[question, path])


class KeptPlans:
    """The plans that were used last, within the bytes that all caches may have. Safe from several threads."""

    def __init__(self, budget: CacheBudget) -> None:
        self._kept: Cache[Key, tuple[Sequence[_Answer], Planned]] = Cache("plans", budget, KEPT_MAX)

    def get(self, key: Key, catalogs: Catalogs) -> Planned | None:
        """Return the plan of a statement, where it is known and the catalogs say what they said."""
        found = self._kept.get(key)
        if found is None:
            return None
        answers, plan = found
        return plan if _say_the_same(catalogs, answers) else None

    def keep(self, key: Key, asked: Asked, plan: Planned) -> None:
        """Keep a plan, if it is worth it."""
        if not plan.bound.repeats or asked.items > _ITEMS_MAX:
            return
        size = _BYTES + _OUTPUT_BYTES * len(plan.engine.outputs) + _ITEM_BYTES * asked.items
        self._kept.keep(key, (tuple(asked.answers), plan), size)

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

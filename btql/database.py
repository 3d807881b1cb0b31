"""One database: compiles a query, runs it on a snapshot, hands out the answer.

Every way in, from Python to a wire protocol, ends here, so that all of them
give the same rows and the same errors.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from btql.arguments import text_of
from btql.errors import drawn
from btql.execution.admission import Work, admission
from btql.execution.answer import EngineAnswer
from btql.execution.directory import Directory
from btql.execution.run import Runner
from btql.execution.sources import Sources
from btql.execution.stop import Stop
from btql.plans import Asked, KeptPlans, Key, key_of, planned
from btql.repeated import KeptAnswer, KeptAnswers, has_one_answer, parsed
from btql.result import Result
from btql.running import DrawnErrors, damage_named, run
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source
from btql_planner.binding.bind import BoundQuery
from btql_planner.engine_plan import EnginePlan
from btql_planner.lint import Lint
from btql_planner.options import QueryOptions, settled, with_limits
from btql_planner.plan import Plan
from btql_planner.prices import PriceSource, builtin_prices
from btql_storage.store import Storage

if TYPE_CHECKING:
    from btql.describe import Described
    from btql.execution.pinned import Pinned
    from btql.explain import Watch
    from btql_grammar.parameters import Values

_NO_OPTIONS = QueryOptions(lint="off")
_EXPORT_ROWS = 10_000
"""Who reads all of more rows than this, exports them."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in each of its forms."""

    source: Source
    statement: tree.Statement
    bound: BoundQuery
    rewritten: Plan
    engine: EnginePlan
    sources: Sources
    """The snapshots that it reads; whoever runs it closes them."""
    lints: tuple[Lint, ...] = ()
    default_limit: int | None = None
    """The limit that it has only because it has none of its own."""
    plan_was_kept: bool | None = None
    """Whether its plan was made for a query before this one; None where plans of its kind are not kept."""
    is_bulk: bool = False
    """Whether it is an export, which gives way to other queries."""


class Database:
    """Compiles and runs queries on one storage."""

    def __init__(
        self,
        storage: Storage,
        prices: PriceSource = builtin_prices,
        directory: Directory | None = None,
        stop: Stop | None = None,
        pinned: Pinned | None = None,
        *,
        watching: bool = False,
    ) -> None:
        self.storage = storage
        self._watching = watching
        """Whether what a query took is counted in detail, for its ``result.explanation``."""
        self._pinned = pinned
        self._prices = prices
        self._directory = directory
        self._stop = stop
        self._kept = KeptAnswers(storage.cache)
        self._plans = KeptPlans(storage.cache)

    def for_one(
        self,
        *,
        directory: Directory | None = None,
        stop: Stop | None = None,
        pinned: Pinned | None = None,
        watching: bool = False,
    ) -> Database:
        """Return the same database for one query: with objects as its asker may see them, as of then, and an end."""
        found: Database = copy(self)
        found._directory = directory or self._directory
        found._stop, found._pinned, found._watching = stop, pinned, watching
        return found

    def check(self) -> None:
        """Raise where the query that this is for may not go on."""
        if self._stop is not None:
            self._stop.check()

    def compile(
        self,
        query: str | Mapping[str, object],
        disabled_rules: Collection[str] = (),
        options: QueryOptions | None = None,
        parameters: Values | None = None,
    ) -> Compiled:
        """Return every form of a query, on snapshots that the caller closes."""
        source, statement = self._read(query, parameters)
        key = key_of(query, parameters, options or _NO_OPTIONS, disabled_rules)
        return self.compile_statement(source, statement, options, disabled_rules, key)

    def _read(
        self, query: str | Mapping[str, object], parameters: Values | None = None
    ) -> tuple[Source, tree.Statement]:
        source = Source("")
        try:
            source = Source(query) if isinstance(query, str) else Source(text_of(query), "<query as BTQL>")
            statement = parsed(source.text)
            if parameters is not None:
                from btql_grammar.parameters import with_values

                statement = with_values(statement, parameters)
        except BtqlError as error:
            raise drawn(error, source) from None
        return source, statement

    def compile_statement(
        self,
        source: Source,
        statement: tree.Statement,
        options: QueryOptions | None = None,
        disabled_rules: Collection[str] = (),
        key: Key | None = None,
    ) -> Compiled:
        """Return every form of a statement that gives rows and was read from ``source``.

        With a ``key``, which says all that the statement is made of, its plan may be one that is kept.
        """
        with admission.computing_as("interactive", self.storage.limits):
            return self._compiled(source, statement, options, disabled_rules, key)

    def _compiled(
        self,
        source: Source,
        statement: tree.Statement,
        options: QueryOptions | None,
        disabled_rules: Collection[str],
        key: Key | None,
    ) -> Compiled:
        sources: Sources | None = None
        try:
            options = options or _NO_OPTIONS
            if isinstance(statement, tree.Query):
                options = settled(options, statement, source.text)
            unlimited = getattr(statement, "limit", 0) is None
            version = None if options.version is None else int(options.version)
            sources = Sources(self.storage, version, self._directory, self.check, self._pinned)
            self.check()
            statement, warnings = with_limits(statement, options)
            plan = None if key is None else self._plans.get(key, sources)
            was_kept = None if key is None else plan is not None
            if plan is None:
                asked = Asked(sources)
                options = replace(options, prices=asked.prices_of(self._prices))
                with damage_named(sources):
                    plan = planned(statement, source, asked, options, disabled_rules, self.check)
                if key is not None:
                    self._plans.keep(key, asked, plan)
            self.check()
            bound = replace(plan.bound, warnings=(*plan.bound.warnings, *warnings))
            is_bulk = options.bulk or _is_export(plan.engine, sources)
            return Compiled(
                source, statement, bound, plan.rewritten, plan.engine, sources,
                plan.lints, options.default_limit if unlimited else None, was_kept, is_bulk,
            )  # fmt: skip
        except BaseException as error:
            if sources is not None:
                sources.close()
            if isinstance(error, BtqlError):
                raise drawn(error, source) from None
            raise

    def query(
        self,
        query: str | Mapping[str, object],
        disabled_rules: Collection[str] = (),
        options: QueryOptions | None = None,
        parameters: Values | None = None,
    ) -> Result:
        """Return the answer to a statement in either language, or in the JSON form; what it writes is written.

        ``parameters`` are the values of ``?`` and ``$1``, in a list, or of ``:name``, in a dictionary.
        """
        can_repeat = isinstance(query, str) and not disabled_rules and not parameters
        if can_repeat and (known := self.known_answer(str(query), options)) is not None:
            return known
        source, statement = self._read(query, parameters)
        if not isinstance(statement, tree.AnyQuery):
            from btql.fixed_answer import answer_to

            return answer_to(self, source, statement, options)
        if can_repeat and has_one_answer(statement):
            return self._run_and_keep(source, statement, options)
        key = key_of(query, parameters, options or _NO_OPTIONS, disabled_rules)
        return self.run(source, statement, options, disabled_rules, key)

    def known_answer(self, text: str, options: QueryOptions | None = None) -> Result | None:
        """Return, at once, the answer to a statement that was asked before and has only one; None for any other."""
        kept = self._kept.get(text, options)
        if kept is None:
            return None
        self.check()
        return kept.result(self._stop)

    def _run_and_keep(self, source: Source, statement: tree.Statement, options: QueryOptions | None) -> Result:
        """Return the answer to a statement that has only one."""
        result = self.run(source, statement, options)
        if result.has_cursor:
            return result
        kept = KeptAnswer(result)
        self._kept.keep(source.text, options, kept)
        return kept.result(self._stop)

    def query_many(
        self, query: str | Mapping[str, object], parameters: Sequence[Values], options: QueryOptions | None = None
    ) -> int:
        """Run a statement that writes once for each of several sequences of values; return how many rows it wrote.

        All values are looked at before anything is written. An INSERT with VALUES is one transaction.
        """
        from btql.write_many import write_many

        source, statement = self._read(query)
        return write_many(self, source, statement, parameters, options)

    def describe(self, query: str, options: QueryOptions | None = None, *, lenient: bool = False) -> Described:
        """Return what a statement takes and gives, without running it; its parameters need no values.

        Some need values to be told from a mistake, as ``SELECT ? + ?`` does; with ``lenient`` they have no columns yet.
        """
        from btql.describe import described

        source, statement = self._read(query)
        return described(self, source, statement, options, lenient=lenient)

    def run(
        self,
        source: Source,
        statement: tree.Statement,
        options: QueryOptions | None = None,
        disabled_rules: Collection[str] = (),
        key: Key | None = None,
    ) -> Result:
        """Return the answer to a statement that gives rows, read from ``source``; ``key`` is as for its compilation."""
        watch: Watch | None = None
        if self._watching:
            from btql.explain import Watch

            watch = Watch(self)
        compiled = self.compile_statement(source, statement, options, disabled_rules, key)
        runner = self.runner(compiled) if watch is None else watch.runner(compiled)
        batches = run(runner, compiled.sources)
        fields = compiled.sources.whole_fields
        answer = DrawnErrors(EngineAnswer(compiled.engine, batches, lambda: fields, self._stop), compiled.source)
        result = Result(answer, compiled.bound.warnings, compiled.lints, self._stop)
        if watch is not None:
            result.explanation = watch.explanation
        result.default_limit = compiled.default_limit
        result.is_bulk = compiled.is_bulk
        result.xact_id = max((each.xact_id for each in compiled.sources.all_snapshots), default=None)
        # An answer that nobody reads must not keep files for ever.
        result.release = weakref.finalize(result, compiled.sources.close)
        return result

    def runner(self, compiled: Compiled) -> Runner:
        """Return what runs a statement, once."""
        work: Work = "bulk" if compiled.is_bulk else "interactive"
        return Runner(compiled.engine, compiled.sources, self._stop, self.storage.limits, work)

    def sources(self) -> Sources:
        """Return the objects of this database, for one statement."""
        return Sources(self.storage, None, self._directory, self.check, self._pinned)


def _is_export(plan: EnginePlan, sources: Sources) -> bool:
    """Whether a statement hands out all rows of something large."""
    if not (plan.select.gives_all and all(stage.select.gives_all for stage in plan.stages)):
        return False
    if any(scan.ranges or scan.keys or scan.probes for scan in plan.scans):
        return False
    read = (source for snapshot in sources.all_snapshots for source in snapshot.sources)
    return sum(source.stats.rows for source in read) > _EXPORT_ROWS

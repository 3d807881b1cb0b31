"""Lower a typed plan to the engine plan.

Plan nodes are folded into as few SELECT statements as keep their order: a
Filter becomes a WHERE as long as nothing was grouped, sorted or cut below it.
Expressions go through :mod:`btql_planner.value`, kind by kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import assert_never

from btql_grammar.diagnostic import BtqlError
from btql_planner import errors, sql_text, value
from btql_planner.engine_plan import EnginePlan, FetchSpec, OutputColumn, ProbeSpec, ScanSpec, Stage
from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    PathValue,
    Reference,
)
from btql_planner.functions.registry import ArgumentError
from btql_planner.plan import (
    Aggregate,
    Fetch,
    Filter,
    Limit,
    Named,
    Nothing,
    Plan,
    Project,
    Scan,
    Sort,
    SortKey,
    TraceLimit,
    TraceSelection,
)
from btql_planner.select import Columns, Select
from btql_planner.types import Kind
from btql_planner.value import Value
from btql_storage.kinds import Kind as StoredKind
from btql_storage.kinds import column_name

Path = tuple[str | int, ...]
_STORED = (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.TEXT)


def lower(plan: Plan) -> EnginePlan:
    """Return the engine plan for a rewritten plan, whose top is a Project."""
    assert isinstance(plan, Project)
    lowering = _Lowering()
    select, outputs = lowering.project(plan)
    return EnginePlan(tuple(lowering.stages), select, tuple(lowering.scans), outputs)


def engine_column(path: Path, kind: Kind) -> str:
    """Return the name of the column with the values of ``path`` that are of ``kind``.

    For a path without array indexes and a stored kind it is the part's own column name.
    """
    pieces = [
        column_name((piece,), StoredKind.TEXT)[:-2] if isinstance(piece, str) else rf"\[{piece}]" for piece in path
    ]
    return f"{'.'.join(pieces)}#{kind}"


@dataclass
class _ScanColumns:
    spec: ScanSpec

    def column(self, name: str) -> str:
        self.spec.columns.add(name)
        return sql_text.name(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        raise KeyError(name)

    def fetched(self, path: Path) -> bool:  # noqa: ARG002
        return False

    @property
    def below(self) -> Columns | None:
        return None


@dataclass
class _FetchColumns:
    """The columns of a stage's result: fetched ones, and whatever the statement below has."""

    statement: Select
    fetch: FetchSpec
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        split = {engine_column(path, kind) for path, kinds in self.fetch.paths.items() for kind in kinds}
        raw = {engine_column(path, Kind.RAW) for path in self.fetch.outputs}
        self.names = frozenset(split | raw | set(self.fetch.columns))

    def column(self, name: str) -> str:
        return sql_text.name(name) if name in self.names else self.statement.column(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        return self.statement.kinds_of(name)

    def fetched(self, path: Path) -> bool:
        return path in self.fetch.paths or self.statement.fetched(path)

    @property
    def below(self) -> Columns | None:
        return self.statement


class _NoColumns:
    def column(self, name: str) -> str:
        raise KeyError(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        raise KeyError(name)

    def fetched(self, path: Path) -> bool:  # noqa: ARG002
        return False

    @property
    def below(self) -> Columns | None:
        return None


@dataclass
class _Lowering:
    stages: list[Stage] = field(default_factory=list[Stage])
    scans: list[ScanSpec] = field(default_factory=list[ScanSpec])
    numbers: Iterator[int] = field(default_factory=count)

    def project(self, plan: Project) -> tuple[Select, tuple[OutputColumn, ...]]:
        select = self.lower(plan.input)
        if select.group is not None:
            select = select.wrap()
        raw = plan.input.outputs if isinstance(plan.input, Fetch) else ()
        values = [self._output(item.expression, select.source, raw) for item in plan.items]
        inner = dict(select.outputs)
        select.outputs = {}
        outputs: list[OutputColumn] = []
        for number, (item, each) in enumerate(zip(plan.items, values, strict=True)):
            names = {kind: f"c{number}#{kind}" for kind in each.parts}
            select.outputs.update({names[kind]: sql for kind, sql in each.parts.items()})
            wide = isinstance(item.expression, PathValue) and item.expression.availability.wide
            outputs.append(OutputColumn(item.name, names, wide))
        assert not inner, "a projection is the last use of its input"
        return select, tuple(outputs)

    def _output(self, expression: Expression, columns: Columns, raw: tuple[Path, ...]) -> Value:
        if isinstance(expression, PathValue) and expression.path in raw:
            return value.of(Kind.RAW, columns.column(engine_column(expression.path, Kind.RAW)))
        return self.expression(expression, columns)

    def lower(self, plan: Plan) -> Select:
        match plan:
            case Nothing():
                return Select(_NoColumns(), lambda: "")
            case Scan():
                return self._scan(plan)
            case Fetch():
                return self._fetch(plan)
            case Filter():
                select = self._open(plan.input, ordered=False, settle=False)
                select.where.append(self._condition(plan.condition, select.source))
                return select
            case TraceSelection():
                return self._trace_selection(plan)
            case Aggregate():
                return self._aggregate(plan)
            case Sort():
                select = self._open(plan.input, ordered=False)
                select.order = self._order(plan.keys, select.source)
                return select
            case Limit():
                select = self._open(plan.input, ordered=True)
                select.limit, select.offset = plan.count, plan.offset
                return select
            case TraceLimit():
                return self._trace_limit(plan)
            case Project():
                message = "a projection can only be the top of a plan"
                raise AssertionError(message)
            case _:
                assert_never(plan)

    def _open(self, plan: Plan, *, ordered: bool, settle: bool = True) -> Select:
        """Lower ``plan`` to a SELECT whose next clause can still be added."""
        select = self.lower(plan)
        if settle:
            select = self._settle(select)
        closed = select.group is not None or select.limit is not None or select.offset or (select.order and not ordered)
        return select.wrap() if closed or select.outputs else select

    def _settle(self, select: Select) -> Select:
        """Return a SELECT over the rows and columns of a fetch that are still wanted.

        What sorts or groups needs all rows at once; it must not hold documents that a
        filter has dropped, or columns that only the filter looked at.
        """
        fetched = isinstance(select.source, _FetchColumns) and bool(select.source.names)
        if not fetched or not select.is_rowwise:
            return select
        nothing = FetchSpec({}, (), ())
        stage = Stage(f"stage_{next(self.numbers)}", select, nothing)
        self.stages.append(stage)
        return Select(_FetchColumns(select, nothing), lambda: sql_text.name(stage.name), stage.name)

    def _scan(self, plan: Scan) -> Select:
        spec = ScanSpec(f"{plan.alias}_{next(self.numbers)}", plan.ranges, plan.keys)
        self.scans.append(spec)
        columns = _ScanColumns(spec)
        select = Select(columns, lambda: sql_text.name(spec.name), spec.name)
        for probe in plan.probes:
            spec.probes.append(ProbeSpec(f"probe_{next(self.numbers)}", probe.column, probe.tokens, required=True))
        select.where += [self._condition(condition, columns) for condition in plan.filters]
        return select

    def _fetch(self, plan: Fetch) -> Select:
        below = self.lower(plan.input)
        if below.group is not None:
            below = below.wrap()
        below.column("_row")
        kinds = (*_STORED, Kind.JSON)
        spec = FetchSpec(dict.fromkeys(plan.paths, kinds), plan.outputs, plan.columns)
        stage = Stage(f"stage_{next(self.numbers)}", below, spec)
        self.stages.append(stage)
        return Select(_FetchColumns(below, spec), lambda: sql_text.name(stage.name), stage.name)

    def _trace_selection(self, plan: TraceSelection) -> Select:
        select = self._open(plan.input, ordered=False)
        matching = self._open(plan.matching, ordered=False)
        matching.column("root_span_id")
        root = select.source.column("root_span_id")
        select.where.append(lambda: f"{root} IN ({matching.render()})")
        return select

    def _aggregate(self, plan: Aggregate) -> Select:
        select = self._open(plan.input, ordered=False)
        select.group = []
        for named in plan.keys:
            select.group += self._add(select, named).parts.values()
        for named in plan.measures:
            self._add(select, named)
        return select

    def _add(self, select: Select, named: Named) -> Value:
        computed = self.expression(named.expression, select.source)
        if not computed.parts:
            computed = value.of(Kind.TEXT, sql_text.null(Kind.TEXT))
        select.kinds[named.name] = tuple(computed.parts)
        for kind, sql in computed.parts.items():
            select.outputs[f"{named.name}#{kind}"] = sql
        return computed

    def _trace_limit(self, plan: TraceLimit) -> Select:
        """Number the rows, give each trace its first number, and keep the first traces."""
        select = self._open(plan.input, ordered=False).wrap()
        order = ", ".join(self._order(plan.keys, select.source))
        select.outputs["_rank"] = f"row_number() OVER (ORDER BY {order})"
        firsts = select.wrap()
        root = firsts.source.column("root_span_id")
        firsts.outputs["_first"] = f'min("_rank") OVER (PARTITION BY {root})'
        traces = firsts.wrap()
        traces.outputs["_trace"] = 'dense_rank() OVER (ORDER BY "_first")'
        kept = traces.wrap()
        kept.where.append(f'"_trace" <= {plan.count}')
        return kept

    def _order(self, keys: tuple[SortKey, ...], columns: Columns) -> list[str]:
        order: list[str] = []
        for key in keys:
            direction = "DESC" if key.descending else "ASC"
            for sql in value.sort_keys(self.expression(key.expression, columns)):
                order.append(f"{sql} {direction} NULLS {key.nulls.upper()}")  # noqa: PERF401
        return order

    def _condition(self, expression: Expression, columns: Columns) -> str:
        return value.condition(self.expression(expression, columns, exact=False))

    def expression(self, expression: Expression, columns: Columns, *, exact: bool = True) -> Value:
        """Return the SQL of an expression over ``columns``.

        Without ``exact`` it only decides whether a row is kept: null may stand for false.
        """
        match expression:
            case Constant():
                return _constant(expression)
            case Column():
                return value.of(expression.kind, columns.column(expression.name))
            case PathValue():
                return _path(expression, columns)
            case Reference():
                kinds = columns.kinds_of(expression.name)
                return Value({kind: columns.column(f"{expression.name}#{kind}") for kind in kinds})
            case Match():
                return self._match(expression, columns, exact=exact)
            case Apply() | AggregateCall():
                loose = not exact and isinstance(expression, Apply) and expression.function.name in ("and", "or")
                arguments = [self.expression(each, columns, exact=not loose) for each in expression.arguments]
                try:
                    return expression.function.lower(arguments, exact=exact)
                except ArgumentError as error:
                    place = expression.arguments[error.index].span
                    raise BtqlError.of(errors.WRONG_ARGUMENT, str(error), place, "this") from None
            case _:
                assert_never(expression)

    def _match(self, match: Match, columns: Columns, *, exact: bool) -> Value:
        spec = self._scan_of(columns)
        probe = ProbeSpec(f"probe_{next(self.numbers)}", match.column, match.tokens, required=False)
        spec.probes.append(probe)
        hit = columns.column(probe.name)
        if not exact:
            return value.boolean(hit)
        operand = self.expression(match.operand, columns)
        return value.boolean(f"CASE WHEN {value.present(operand)} THEN {hit} END")

    def _scan_of(self, columns: Columns) -> ScanSpec:
        while not isinstance(columns, _ScanColumns):
            assert columns.below is not None, "every row comes from a scan"
            columns = columns.below
        return columns.spec


def _path(expression: PathValue, columns: Columns) -> Value:
    path, known = expression.path, expression.availability
    if columns.fetched(path):
        return Value({kind: columns.column(engine_column(path, kind)) for kind in (*_STORED, Kind.JSON)})
    assert not expression.needs_document, f"{path} was not fetched"
    parts = {kind: columns.column(engine_column(path, kind)) for kind in _STORED if kind in known.kinds}
    marker = columns.column(column_name(_keys(path), StoredKind.MARKER)) if known.marked else None
    return Value(parts, marker, known.bits)


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(piece for piece in path if isinstance(piece, str))


def _constant(constant: Constant) -> Value:
    kind, known = constant.kind, constant.value
    match kind:
        case None:
            return Value()
        case Kind.BOOLEAN:
            return value.of(kind, "TRUE" if known else "FALSE")
        case Kind.INTEGER | Kind.FLOAT:
            assert isinstance(known, int | float)
            bits = known.bit_length() if isinstance(known, int) else value.BITS
            return Value({kind: sql_text.number(known)}, bits=bits)
        case Kind.TEXT:
            return value.of(kind, sql_text.text(str(known)))
        case Kind.TIME:
            return value.of(kind, sql_text.time(known))  # type: ignore[arg-type]
        case Kind.INTERVAL:
            return value.of(kind, f"INTERVAL '{known}'")
        case Kind.LIST:
            assert isinstance(known, tuple)
            return value.of(kind, f"make_array({', '.join(sql_text.text(str(item)) for item in known)})")
        case Kind.JSON | Kind.RAW:
            message = "no literal has this kind"
            raise AssertionError(message)
        case _:
            assert_never(kind)

"""What makes a query slow, and what to do about it: one small rule each, in :data:`RULES`.

A rule speaks where two things hold: what it says is true of this query on these data, and whoever asked can do
something about it. Else it is silent. Most look at what a run has counted; those that statistics alone can answer
speak without ANALYZE, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from btql.cli import units
from btql.explaining.explanation import Explanation, Node, ScanFacts, Warn
from btql_planner.explain import branches
from btql_planner.explain_expression import path_text, text
from btql_planner.expression_traversal import walk
from btql_planner.expressions import Apply, Constant, Expression, PathValue
from btql_planner.plan import Fetch, Filter, Limit, Plan, TraceLimit, TracePage
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import expressions
from btql_storage.fields import INDEXED_FIELDS

if TYPE_CHECKING:
    from btql.database import Compiled
    from btql.explaining.operators import Operator
    from btql_planner.engine_plan import ScanSpec

PARTS_MANY = 8
"""From here on it matters how many parts are read."""
ROWS_MANY = 10_000
"""From here on it matters what is done for each row."""
PAIRS_MANY = 1_000_000
_KEPT_OF = 10
"""A condition that keeps fewer than one row in so many should not have needed the documents of the others."""
_SUPERSEDED_OF = 0.3
"""With a larger share of replaced rows, compaction writes a part anew."""
_WORD = re.compile(r"[^\W_]{3,}")
_PAIRING = ("NestedLoopJoinExec", "CrossJoinExec")


@dataclass(frozen=True, slots=True)
class Case:
    """A query, and what is known of it."""

    compiled: Compiled
    explanation: Explanation

    @property
    def is_sql(self) -> bool:
        """Which language the remedy is in."""
        return self.explanation.query.language == "sql"

    def scans(self) -> Iterator[tuple[ScanSpec, ScanFacts]]:
        """Yield the scans, each with what it reads."""
        facts = {node.scan.table: node.scan for node in self.explanation.plan.walk() if node.scan is not None}
        for spec in self.compiled.engine.scans:
            if spec.name in facts:
                yield spec, facts[spec.name]

    def pairs(self) -> Iterator[tuple[Plan, Node]]:
        """Yield the nodes of the plan, each beside what is known of it."""
        yield from _pairs(self.compiled.rewritten, self.explanation.plan, set())


Rule = Callable[[Case], Iterator[Warn]]


def warnings(compiled: Compiled, explanation: Explanation) -> list[Warn]:
    """Return what there is to say, each thing once."""
    case = Case(compiled, explanation)
    found = [warn for rule in RULES for warn in rule(case)]
    return [warn for number, warn in enumerate(found) if warn not in found[:number]]


def no_time_range(case: Case) -> Iterator[Warn]:
    """All parts are read, and nothing in the query could have left one out."""
    for spec, facts in case.scans():
        bounded = spec.ranges or spec.keys or case.compiled.sources.keys(spec.objects) or facts.hits or spec.probes
        # Which parts are needed for the first rows, or for a number of rows, only the run knows.
        unknown = not case.explanation.analyzed and (spec.top is not None or spec.counted)
        if bounded or unknown or facts.parts < PARTS_MANY or facts.parts_read < facts.parts:
            continue
        add = "created > now() - interval '1 day'" if case.is_sql else "created > now() - interval 1 day"
        yield Warn(
            code="no_time_range",
            message=f"no time range: {facts.parts_read:,} of {facts.parts:,} parts read",
            remedy=f"add `{add}`",
        )


def documents_decide(case: Case) -> Iterator[Warn]:
    """Documents were fetched to decide a condition, and most of them for nothing."""
    for plan, node in case.pairs():
        if not (isinstance(plan, Filter) and isinstance(plan.input, Fetch)):
            continue
        below = node.inputs[0]
        fetched = (below.rows or 0) if below.documents is None else below.documents
        if fetched < ROWS_MANY or (node.rows is not None and node.rows * _KEPT_OF > fetched):
            continue
        kept = "" if node.rows is None else f" for {units.plural(node.rows, 'row')}"
        yield Warn(
            code="documents_decide",
            message=f"only documents can decide `{text(plan.condition)}`: {fetched:,} of them were read{kept}",
            remedy="leave fewer to them: add a range on `created`, an id, or a word to look up (`input match 'word'`)",
        )


def python_function(case: Case) -> Iterator[Warn]:
    """Functions that run in Python had many rows."""
    many = [function for function in case.explanation.functions if function.rows >= ROWS_MANY]
    if many:
        slowest = max(many, key=lambda function: function.seconds)
        yield Warn(
            code="python_function",
            message=(
                f"`{slowest.name}`{f' and {len(many) - 1} others' if len(many) > 1 else ''} ran in Python: "
                f"{units.plural(max(function.rows for function in many), 'row')} took "
                f"{units.duration(sum(function.seconds for function in many))}"
            ),
            remedy="leave fewer rows to it: filter by `created`, an id or a plain comparison first",
        )


def path_in_a_call(case: Case) -> Iterator[Warn]:
    """A key was taken out of JSON by a function, though its path has a column."""
    if not any(function.rows >= ROWS_MANY for function in case.explanation.functions):
        return
    for plan, _ in case.pairs():
        for part in (part for each in expressions(plan) for part in walk(each)):
            if not (isinstance(part, Apply) and part.function.name == "json_extract"):
                continue
            match part.arguments:
                case (PathValue(path=path), Constant(value=str(key))) if key.removeprefix("$.").isidentifier():
                    yield Warn(
                        code="path_in_a_call",
                        message=f"`{text(part)}` takes every document apart",
                        remedy=f"write the path, which has a column: `{path_text((*path, key.removeprefix('$.')))}`",
                    )
                case _:
                    pass


def no_limit(case: Case) -> Iterator[Warn]:
    """Documents are handed out of as many rows as there are."""
    nodes = list(case.pairs())
    if any(isinstance(plan, Limit | TraceLimit | TracePage) for plan, _ in nodes):
        return
    for plan, node in nodes:
        if isinstance(plan, Fetch) and plan.outputs and (node.rows or 0) >= ROWS_MANY:
            limit = "LIMIT 100" if case.is_sql else "limit: 100"
            yield Warn(
                code="no_limit",
                message=f"no limit: the documents of all {node.rows:,} rows were read",
                remedy=f"add `{limit}`, or name the fields that you need",
            )


def tail_is_large(case: Case) -> Iterator[Warn]:
    """Much waits for compaction; it is read from memory, without indexes."""
    rows = max((facts.tail_rows for _, facts in case.scans()), default=0)
    if rows >= ROWS_MANY:
        yield Warn(
            code="tail_is_large",
            message=f"{units.plural(rows, 'row')} wait for compaction: they are read without an index",
            remedy="run `btql compact`, or leave it to `btql serve`",
        )


def rows_are_superseded(case: Case) -> Iterator[Warn]:
    """Many of the rows that were read have been replaced since."""
    for _, facts in case.scans():
        if facts.rows >= ROWS_MANY and facts.superseded > facts.rows * _SUPERSEDED_OF:
            yield Warn(
                code="rows_are_superseded",
                message=f"{facts.superseded:,} of {facts.rows:,} rows read were replaced by newer ones",
                remedy="run `btql compact`, or leave it to `btql serve`",
            )


def spilled(case: Case) -> Iterator[Warn]:
    """What the engine held did not fit into memory."""
    tops = [each.operators for each in case.explanation.statements if each.operators is not None]
    size = sum(operator.spilled_bytes for top in tops for operator in top.walk())
    if size:
        yield Warn(
            code="spilled",
            message=f"{units.size(size)} did not fit into memory and were written to disk",
            remedy="sort, group or join fewer rows or columns, or raise the limit `query_memory_bytes_max`",
        )


def pattern_without_words(case: Case) -> Iterator[Warn]:
    """A pattern was held against every row, though words of it could have been looked up."""
    for spec, facts in case.scans():
        if spec.probes or facts.rows < ROWS_MANY or not isinstance(spec.node, Scan):
            continue
        for condition in spec.node.filters:
            for field, pattern in _patterns(condition):
                word = _WORD.search(pattern)
                if word and field in INDEXED_FIELDS:
                    yield Warn(
                        code="pattern_without_words",
                        message=f"`{text(condition)}` was held against {units.plural(facts.rows, 'row')}",
                        remedy=f"search for whole words, which an index has: `{field} match '{word[0]}'`",
                    )


def offset_is_large(case: Case) -> Iterator[Warn]:
    """Rows are computed to be skipped."""
    for plan, _ in case.pairs():
        if isinstance(plan, Limit) and plan.offset >= ROWS_MANY:
            key = "`WHERE _pagination_key < '…'`" if case.is_sql else "`cursor: '…'`"
            yield Warn(
                code="offset_is_large",
                message=f"{plan.offset:,} rows are computed and skipped",
                remedy=f"go on where the page before ended: {key}",
            )


def all_pairs(case: Case) -> Iterator[Warn]:
    """A join has looked at every pair of rows."""
    for statement in case.explanation.statements:
        for operator in () if statement.operators is None else statement.operators.walk():
            if operator.name not in _PAIRING:
                continue
            sides = [_rows(side) for side in operator.inputs]
            pairs = prod(sides) if all(sides) else operator.rows or 0
            if pairs >= PAIRS_MANY:
                yield Warn(
                    code="all_pairs",
                    message=f"a join without an equality looked at {units.plural(pairs, 'pair')} of rows",
                    remedy="join on columns that are equal, such as `a.root_span_id = b.root_span_id`",
                )


RULES: tuple[Rule, ...] = (
    no_time_range,
    documents_decide,
    python_function,
    path_in_a_call,
    no_limit,
    tail_is_large,
    rows_are_superseded,
    spilled,
    pattern_without_words,
    offset_is_large,
    all_pairs,
)


def _patterns(condition: Expression) -> Iterator[tuple[str, str]]:
    """Yield the patterns that fields are held against, each with its field."""
    for part in walk(condition):
        if isinstance(part, Apply) and part.function.name in ("like", "ilike"):
            match part.arguments[:2]:
                case (PathValue(path=(str(field), *_)), Constant(value=str(pattern))):
                    yield field, pattern
                case _:
                    pass


def _rows(operator: Operator) -> int:
    """Return how many rows an operator gave, or the one below it where it does not count; 0 where nobody did."""
    while operator.rows is None and len(operator.inputs) == 1:
        operator = operator.inputs[0]
    return operator.rows or 0


def _pairs(plan: Plan, node: Node, shared: set[str]) -> Iterator[tuple[Plan, Node]]:
    yield plan, node
    for below, child in zip(branches(plan, shared), node.inputs, strict=True):
        yield from _pairs(below, child, shared)

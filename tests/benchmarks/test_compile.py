"""How long a query takes from text to engine plan: each stage, and all of them against large statistics."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support.fields import SPANS, WrittenCatalogs

from btql.execution.fields import SnapshotFields
from btql_grammar import tree
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.binding.bind import bind
from btql_planner.catalog import Catalogs
from btql_planner.engine_plan import EnginePlan
from btql_planner.lowering.lower import lower
from btql_planner.rules import apply_rules
from btql_storage.catalog import ObjectInfo
from btql_storage.catalog.shapes import Mark
from btql_storage.kinds import Kind
from btql_storage.part.format import PartStats, PathStats, TextBounds

BTQL = """
dimensions: metadata.model as model, day(created) as day
| measures: count(1) as calls, avg(metrics.end - metrics.start) as seconds,
            percentile(metrics.tokens, 0.95) as tokens, count(error) / count(1) as error_rate
| from: project_logs('demo')
| filter: created > now() - interval 7 day and span_attributes.name != 'scorer'
          and (input MATCH 'over the rainbow' or error LIKE '%timeout%')
| final_filter: calls > 10
| sort: error_rate desc, model
| limit: 20
"""
SQL = """
SELECT metadata.model AS model, day(created) AS day, count(1) AS calls,
       avg(metrics.end - metrics.start) AS seconds, percentile(metrics.tokens, 0.95) AS tokens,
       count(error) / count(1) AS error_rate
FROM project_logs('demo')
WHERE created > now() - INTERVAL 7 DAY AND span_attributes.name != 'scorer'
  AND (input MATCH 'over the rainbow' OR error LIKE '%timeout%')
GROUP BY 1, 2
HAVING count(1) > 10
ORDER BY error_rate DESC, model
LIMIT 20
"""
SUMMARY = """
select: root_span_id, scores, metrics.duration, metrics.total_tokens, span_type_info, input, metadata.user
| from: project_logs('demo') summary
| filter: any_span(span_attributes.type = 'llm' and error is not null) and any_span(metadata.user = 'u')
| sort: metrics.duration desc
| limit: 50
"""
QUERIES = pytest.mark.parametrize("text", [BTQL, SQL, SUMMARY], ids=["btql", "sql", "summary"])


def compiled(text: str, catalogs: Catalogs) -> EnginePlan:
    found = bind(parse(text), Source(text), catalogs)
    return lower(apply_rules(found.plan), found.answer)


@QUERIES
def test_parse(benchmark: BenchmarkFixture, text: str) -> None:
    benchmark(parse, text)


@QUERIES
def test_bind(benchmark: BenchmarkFixture, text: str) -> None:
    statement, source = parse(text), Source(text)

    benchmark(bind, statement, source, WrittenCatalogs(SPANS))


@QUERIES
def test_rewrite_and_lower(benchmark: BenchmarkFixture, text: str) -> None:
    found = bind(parse(text), Source(text), WrittenCatalogs(SPANS))

    def rewrite_and_lower() -> str:
        return lower(apply_rules(found.plan), found.answer).select.render()

    benchmark(rewrite_and_lower)


@QUERIES
def test_all_stages(benchmark: BenchmarkFixture, text: str) -> None:
    benchmark(compiled, text, WrittenCatalogs(SPANS))


@dataclass(frozen=True)
class _Part:
    part_id: int
    stats: PartStats

    @property
    def part(self) -> _Part:
        return self


class _Snapshot:
    """A thousand parts with five thousand paths each, as statistics alone."""

    object = ObjectInfo(1, "project_logs", "demo")

    def __init__(self) -> None:
        number = PathStats({Kind.FLOAT: 10}, floats=(0.0, 1.0))
        text = PathStats({Kind.TEXT: 10}, texts=TextBounds("a", "z", max_cut=False))
        paths: dict[tuple[str, ...], PathStats] = {("metadata", f"key_{n}"): text for n in range(4_900)}
        paths |= {("metrics", name): number for name in ("start", "end", "tokens", "prompt_tokens")}
        paths |= {("scores", f"score_{n}"): number for n in range(90)}
        paths |= {(name,): text for name in ("input", "output", "error")}
        paths |= {("span_attributes", "name"): text, ("metadata", "model"): text, ("metadata", "user"): text}
        self.parts = [_Part(n, PartStats(10, 100, 0, 1, 0, 1, "p0", "p1", dict(paths))) for n in range(1_000)]
        self.tail: list[_Part] = []
        self.mark = Mark()


@dataclass(frozen=True)
class _Catalogs:
    snapshot: _Snapshot

    def resolve(self, table: tree.Table) -> tree.From:
        raise KeyError(table.path)

    def fields(self, source: tree.From) -> SnapshotFields:
        return SnapshotFields(self.snapshot)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def many_parts() -> _Catalogs:
    return _Catalogs(_Snapshot())


@QUERIES
def test_all_stages_over_many_paths_and_parts(benchmark: BenchmarkFixture, text: str, many_parts: _Catalogs) -> None:
    compiled(text, many_parts)  # what is counted once for each part

    benchmark(compiled, text, many_parts)

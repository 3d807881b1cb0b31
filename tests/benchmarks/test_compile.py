"""How long a query takes from text to engine plan, by stage."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from support.fields import SPANS

from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.bind import bind
from btql_planner.lower import lower
from btql_planner.rules import apply_rules

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
LANGUAGES = pytest.mark.parametrize("text", [BTQL, SQL], ids=["btql", "sql"])


@LANGUAGES
def test_parse(benchmark: BenchmarkFixture, text: str) -> None:
    benchmark(parse, text)


@LANGUAGES
def test_bind(benchmark: BenchmarkFixture, text: str) -> None:
    query, source = parse(text), Source(text)

    benchmark(bind, query, source, SPANS)


@LANGUAGES
def test_rewrite_and_lower(benchmark: BenchmarkFixture, text: str) -> None:
    plan = bind(parse(text), Source(text), SPANS).plan

    def rewrite_and_lower() -> str:
        return lower(apply_rules(plan)).select.render()

    benchmark(rewrite_and_lower)

"""Questions about texts, with what the text index finds for them and without.

The ``off`` ones take seconds each at the usual size: they read every document.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from btql.database import Database
from btql_planner.rules import OPTIONAL
from btql_storage.store import Storage

NEWEST = "sort: created desc | limit: 50"
QUERIES = {
    "rare word newest 50": f"select: id, input | filter: input MATCH 'zyxomma' | {NEWEST}",
    "common word newest 50": f"select: id, input | filter: input MATCH 'they' | {NEWEST}",
    "common word count": "measures: count(1) as n | filter: input MATCH 'they'",
    "word without another count": "measures: count(1) as n | filter: input MATCH 'they' AND NOT input MATCH 'the'",
    "search newest 50": f"select: id | filter: search('over the rainbow') | {NEWEST}",
    "fragment newest 50": f"select: id | filter: input ILIKE '%uokkalop%' | {NEWEST}",
    "fragment of words newest 50": f"select: id | filter: input ILIKE '%bow over the hi%' | {NEWEST}",
    "fragment that is everywhere newest 50": f"select: id | filter: output ILIKE '%e%' | {NEWEST}",
    "fragment count": "measures: count(1) as n | filter: output ILIKE '%cromul%'",
    "needle count": "measures: count(1) as n | filter: metadata.user_id = 'nobody-1'",
    "alternatives count": "measures: count(1) as n | filter: input ILIKE '%uokkalop%' OR metadata.user_id = 'nobody-1'",
}
SOUGHT = sorted(rule for rule in OPTIONAL if rule.startswith("probe_") or rule in ("count_rows", "check_few_documents"))


@pytest.fixture(scope="module")
def opened(database: Path) -> Iterator[Database]:
    with Storage.open(database, read_only=True) as storage:
        yield Database(storage)


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("probes", ["on", "off"])
def test_text(benchmark: BenchmarkFixture, opened: Database, name: str, probes: str) -> None:
    text = f"{QUERIES[name]} | from: project_logs('demo')"
    disabled = SOUGHT if probes == "off" else []
    expected = opened.query(text).rows()

    rows = benchmark.pedantic(lambda: opened.query(text, disabled).rows(), rounds=3 if disabled else 7)

    assert rows == expected

"""Every page of a query error shows a query that really causes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import btql

PAGES = sorted((Path(__file__).parents[2] / "docs" / "errors").glob("B*.md"))


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> btql.Connection:
    connection = btql.connect(tmp_path_factory.mktemp("pages") / "db")
    events: list[dict[str, object]] = [{"id": "a", "metadata": {"model": "m", "user": "u"}, "context": {"model": "n"}}]
    connection.ingest("project_logs:demo", events)
    return connection


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_query_of_the_page_causes_its_error(page: Path, conn: btql.Connection) -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL)
    assert blocks, "a page shows the query"

    with pytest.raises(btql.QueryError) as caught:
        conn.query(blocks[0].strip("\n")).rows()

    assert caught.value.code == page.stem

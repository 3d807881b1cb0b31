"""Every page of a query error shows a query that really causes it.

The words behind the fence say how it is asked: ``json`` as a document, ``sql to json`` by conversion, others as text.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import btql
from btql_grammar import parser
from btql_grammar.diagnostic import BtqlError
from btql_grammar.json_form.form import to_json

# What ends a query that is right (B05) depends on time and load, and is tested with them: test_stopping.py.
PAGES = sorted((Path(__file__).parents[2] / "docs" / "errors").glob("B0[1-4]*.md"))


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> btql.Connection:
    connection = btql.connect(tmp_path_factory.mktemp("pages") / "db")
    events: list[dict[str, object]] = [{"id": "a", "metadata": {"model": "m", "user": "u"}, "context": {"model": "n"}}]
    connection.ingest("project_logs:demo", events)
    return connection


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_query_of_the_page_causes_its_error(page: Path, conn: btql.Connection) -> None:
    block = re.search(r"```([\w ]*)\n(.*?)```", page.read_text(), re.DOTALL)
    assert block, "a page shows the query"

    with pytest.raises((btql.QueryError, BtqlError)) as caught:
        _ask(conn, block[1], block[2].strip("\n"))

    assert caught.value.code == page.stem


def _ask(conn: btql.Connection, language: str, query: str) -> None:
    match language:
        case "json":
            conn.query(json.loads(query)).rows()
        case "sql to json":
            to_json(parser.parse(query))  # type: ignore[arg-type]
        case _:
            conn.query(query).rows()

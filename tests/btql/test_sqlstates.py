"""Every error has a SQLSTATE, and its place where it has one."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

import btql
from btql.errors import EngineBusy, EngineError
from btql.sqlstates import SQLSTATES, position, sqlstate, sqlstate_of_status
from btql_storage import errors as storage_errors

PAGES = Path(__file__).parents[2] / "docs" / "errors"


def test_every_code_has_a_state():
    # test_tidy.py holds the pages against the codes that the sources raise.
    codes = {page.stem for page in PAGES.glob("[BS][0-9]*.md")}

    assert set(SQLSTATES) == codes
    assert [state for state in SQLSTATES.values() if not re.fullmatch("[0-9A-Z]{5}", state)] == []


@pytest.fixture
def conn(tmp_path: Path) -> btql.Connection:
    return btql.connect(tmp_path / "db")


def test_a_wrong_query_has_a_state_and_a_place(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError) as caught:
        conn.query("SELECT 1,\n  nothing(2)")

    assert sqlstate(caught.value) == "42883"
    assert position(caught.value) == len("SELECT 1,\n  ") + 1


def test_errors_of_every_sort_have_a_state(conn: btql.Connection) -> None:
    conn.ingest("project_logs:demo", [{"id": "a"}, {"id": "b"}])
    with pytest.raises(btql.QueryError) as several:
        conn.query("SELECT (SELECT id FROM project_logs('demo')) AS one").rows()
    states = {
        "21000": several.value,
        "XX000": EngineError("the engine stopped"),
        "57014": btql.TimeLimit(1),
        "53000": EngineBusy(9),
        "22023": btql.Error("`x` is no object"),
        "25006": storage_errors.ReadOnly("opened read-only"),
        "53100": OSError(errno.ENOSPC, "no space"),
    }

    assert {state: sqlstate(error) for state, error in states.items()} == {state: state for state in states}
    assert sqlstate(ValueError("a bug")) == "XX000"
    assert position(several.value) == len("SELECT ") + 1


def test_an_answer_over_http_has_a_state_by_its_status():
    from btql_server.http.errors import CODES, HttpError

    assert sqlstate(HttpError(403, "no")) == "42501"
    assert {status for status in CODES if sqlstate_of_status(status) == "XX000"} == {416, 500}

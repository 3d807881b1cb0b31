"""Paging with cursors: every row once, in each order and shape, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.generated import STATES, documents, stored

import btql

Row = dict[str, object]
LOGS = "from: project_logs('demo')"


@pytest.fixture(scope="module", params=STATES)
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with stored(tmp_path_factory.mktemp("cursor") / "db", request.param) as connection:
        yield connection


def pages(conn: btql.Connection, text: str, between: Callable[[int], None] = lambda _: None) -> Iterator[list[Row]]:
    """Yield the pages of an answer; ``between`` is called behind each with its number."""
    token: str | None = None
    for number in range(10_000):
        result = conn.query(text, cursor=token)
        rows = result.rows()
        yield rows
        token = result.cursor
        if not rows:
            assert token is None
            return
        assert token is not None
        between(number)
    raise AssertionError("there is no end")


def all_rows(conn: btql.Connection, text: str, between: Callable[[int], None] = lambda _: None) -> list[Row]:
    return [row for page in pages(conn, text, between) for row in page]


def ids(rows: list[Row]) -> list[object]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("sort", "reverse"), [("", False), (" | sort: _pagination_key desc", False), (" | sort: _pagination_key", True)]
)
def test_every_span_comes_once_and_in_order(conn: btql.Connection, sort: str, reverse: bool) -> None:
    expected = [span["id"] for span in documents()]
    found = list(pages(conn, f"select: id | {LOGS} | limit: 97{sort}"))

    assert [len(page) for page in found[:-2]] == [97] * (len(found) - 2)
    assert [row["id"] for page in found for row in page] == (expected[::-1] if reverse else expected)


def test_filters_hold_on_every_page(conn: btql.Connection) -> None:
    expected = [span["id"] for span in documents() if span.get("error") is not None]

    assert len(expected) > 9
    assert ids(all_rows(conn, f"select: id | {LOGS} | filter: error is not null | limit: 4")) == expected


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_transactions_can_be_paged_through(conn: btql.Connection, direction: str) -> None:
    text = f"select: id, _xact_id | {LOGS} | sort: _xact_id {direction}"
    whole = conn.query(text).rows()

    assert all_rows(conn, f"{text} | limit: 101") == whole
    assert len({row["_xact_id"] for row in whole}) > 1


def test_the_text_takes_a_cursor_in_both_languages(conn: btql.Connection) -> None:
    first = conn.query(f"select: id | {LOGS} | limit: 10")
    rows, token = first.rows(), first.cursor
    expected = ids(conn.query(f"select: id | {LOGS} | limit: 20").rows())

    assert ids(conn.query(f"select: id | {LOGS} | limit: 10 | cursor: '{token}'").rows()) == expected[10:]
    assert ids(conn.query(f"SELECT id FROM project_logs('demo') LIMIT 10 OFFSET '{token}'").rows()) == expected[10:]
    assert ids(rows) == expected[:10]


@pytest.mark.parametrize(("sort", "reverse"), [("", False), (" | sort: _pagination_key asc", True)])
def test_pages_of_traces_have_whole_traces(conn: btql.Connection, sort: str, reverse: bool) -> None:
    spans = documents()[::-1] if reverse else documents()
    roots = list(dict.fromkeys(span["root_span_id"] for span in spans))
    found = list(pages(conn, f"select: id, root_span_id | {LOGS} traces | limit: 7{sort}"))

    for number, page in enumerate(found[:-1]):
        wanted = roots[7 * number : 7 * number + 7]
        assert ids(page) == [span["id"] for span in spans if span["root_span_id"] in wanted]
    assert 7 * (len(found) - 2) < len(roots) <= 7 * (len(found) - 1)


@pytest.mark.parametrize("sort", ["", " | sort: _pagination_key asc"])
def test_summaries_can_be_paged_through(conn: btql.Connection, sort: str) -> None:
    text = f"select: root_span_id, id | {LOGS} summary{sort}"
    whole = conn.query(text).rows()

    assert all_rows(conn, f"{text} | limit: 10") == whole
    assert len(whole) == len({span["root_span_id"] for span in documents()})


@pytest.mark.parametrize(
    "text",
    [
        f"select: id | {LOGS} | sort: created | limit: 5",
        f"select: id | {LOGS}",
        f"measures: count(1) | {LOGS} | limit: 5",
        f"select: id, tag | {LOGS} | unpivot: tags as (tag) | limit: 5",
        f"select: id | {LOGS} | sample: 50% seed 1 | limit: 5",
        "SELECT id FROM (SELECT id FROM project_logs('demo')) AS t LIMIT 5",
    ],
)
def test_other_answers_have_no_cursor(conn: btql.Connection, text: str) -> None:
    result = conn.query(text)
    assert result.rows()

    assert result.cursor is None


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (f"select: id | {LOGS} | limit: 5", "aQJI5+sNAA"),
        (f"select: id | {LOGS} | sort: created | limit: 5", "aQJI5+sNAAA"),
        (f"measures: count(1) | {LOGS}", "aQJI5+sNAAA"),
        (f"select: id | {LOGS} traces | limit: 5", "aQJI5+sNAAA"),
        (f"select: id, tag | {LOGS} | unpivot: tags as (tag) | limit: 5", "aQJI5+sNAAA"),
    ],
)
def test_a_cursor_of_another_query_is_refused(conn: btql.Connection, text: str, token: str) -> None:
    with pytest.raises(btql.QueryError) as caught:
        conn.query(text, cursor=token)

    assert caught.value.code == "B0411"


def test_tokens_of_traces_and_of_transactions_are_refused_by_each_other(conn: btql.Connection) -> None:
    texts = [f"select: id | {LOGS} traces | limit: 5", f"select: id | {LOGS} | sort: _xact_id | limit: 5"]
    for text, other in zip(texts, reversed(texts), strict=True):
        first = conn.query(other)
        assert first.rows()
        with pytest.raises(btql.QueryError) as caught:
            conn.query(text, cursor=first.cursor)
        assert caught.value.code == "B0411"


def test_the_cursor_is_known_at_the_end(conn: btql.Connection) -> None:
    result = conn.query(f"select: id | {LOGS} | limit: 5")
    with pytest.raises(btql.Error, match="once all rows were read"):
        _ = result.cursor

    assert result.arrow().num_rows == 5
    assert result.cursor is not None


# Writes in between.


def put(conn: btql.Connection, *events: Mapping[str, object]) -> None:
    conn.ingest("project_logs:demo", list(events))


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[btql.Connection]:
    """Traces t0 to t9, oldest first, of three spans each."""
    with btql.connect(tmp_path / "db") as connection:
        for trace in range(10):
            put(connection, *({"id": f"t{trace}s{n}", "root_span_id": f"t{trace}", "n": 0} for n in range(3)))
        yield connection


@pytest.mark.parametrize("compact", [False, True])
def test_updates_and_new_rows_neither_repeat_nor_hide_others(growing: btql.Connection, compact: bool) -> None:
    before = ids(growing.query(f"select: id | {LOGS}").rows())

    def write(number: int) -> None:
        put(growing, {"id": f"new{number}"}, *({"id": row, "n": number, "_is_merge": True} for row in map(str, before)))
        if compact:
            growing.compact()

    assert ids(all_rows(growing, f"select: id | {LOGS} | limit: 4", write)) == before


def test_oldest_first_comes_to_what_was_added(growing: btql.Connection) -> None:
    def write(number: int) -> None:
        if number < 3:
            put(growing, {"id": f"new{number}"})

    before = ids(growing.query(f"select: id | {LOGS} | sort: _pagination_key").rows())
    found = ids(all_rows(growing, f"select: id | {LOGS} | sort: _pagination_key | limit: 4", write))
    assert found == [*before, "new0", "new1", "new2"]


@pytest.mark.parametrize("shape", ["traces", "summary"])
def test_a_trace_that_grows_is_not_missed(growing: btql.Connection, shape: str) -> None:
    def write(number: int) -> None:
        # A trace of the first page, one of a later page, and a new one.
        put(growing, *({"id": f"x{number}{t}", "root_span_id": t} for t in ("t9", "t2", f"new{number}")))

    text = f"select: root_span_id | {LOGS} {shape} | limit: 3"
    found = [sorted({str(row["root_span_id"]) for row in page}) for page in pages(growing, text, write)]

    assert found == [["t7", "t8", "t9"], ["t4", "t5", "t6"], ["t1", "t2", "t3"], ["t0"], []]


def test_traces_that_were_skipped_do_not_come_later(growing: btql.Connection) -> None:
    put(growing, {"id": "x", "root_span_id": "t2"}, {"id": "y", "root_span_id": "t9"})
    first = growing.query(f"select: root_span_id | {LOGS} traces | limit: 3 | offset: 2")
    seen = {str(row["root_span_id"]) for row in first.rows()}
    rest = f"select: root_span_id | {LOGS} traces | limit: 100"
    later = {str(row["root_span_id"]) for row in growing.query(rest, cursor=first.cursor).rows()}

    assert seen == {"t8", "t7", "t6"}
    assert later == {"t5", "t4", "t3", "t1", "t0"}


def test_a_trace_that_loses_its_newest_span_is_not_missed(growing: btql.Connection) -> None:
    put(growing, *({"id": f"x{t}", "root_span_id": f"t{t}"} for t in (0, 1)))

    def write(number: int) -> None:
        if number == 0:
            # One of a trace that was shown, and one of a trace that was not.
            put(growing, {"id": "x1", "_object_delete": True}, {"id": "t5s2", "_object_delete": True})

    text = f"select: root_span_id | {LOGS} traces | limit: 3"
    found = [sorted({str(row["root_span_id"]) for row in page}) for page in pages(growing, text, write)]

    assert found == [["t0", "t1", "t9"], ["t6", "t7", "t8"], ["t3", "t4", "t5"], ["t1", "t2"], []]

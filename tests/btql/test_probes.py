"""What the text index finds for a condition must include every row that passes it.

Each question is asked with the rules that probe the index and without them,
about texts that were made to differ between the index and the engine: in case,
in JSON's escapes, in numbers, and where tokens end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

import btql
from btql.database import Database
from btql.execution import candidates, first_rows
from btql.explain import explain
from btql_planner import pattern_words, probes
from btql_planner.rules import OPTIONAL
from btql_storage.store import Storage
from btql_storage.text.tokens import index_character, tokenize

PROBES = sorted(rule for rule in OPTIONAL if rule.startswith("probe_"))
PIECES = [
    "rainbow", "Rainbow", "RAINBOW", "over", "the", "test", "TEST", "te\u017ft", "kelvin", "\u212aelvin", "needle",
    "istanbul", "ISTANBUL", "\u0130stanbul", "\u0131stanbul", "stra\u00dfe", "STRA\u1e9eE", "\u00b5m", "\u03bcm",
    "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3", "r\u00e9sum\u00e9",
    "re\u0301sume\u0301", "\u6771\u4eac", "\u30bf\u30ef\u30fc", "\ud55c\uad6d", "\U0001f600", "user", "newline", "tab",
    "null", "true", "false", "n", "u0001", "0001x", "404", "1e5", "100000", "1.5", "17", "f", "a", "rr", "zz9",
    "x" * 254, "ab" * 200,
]  # fmt: skip
GAPS = ["", "", " ", "-", "_", "\n", "\t", '"', "\\", "\x01", "\x02", "\x1f", ", ", ": ", "/", "%", "\u0301", "."]
FIELDS = ["input", "output", "metadata.text", "metadata", "tags", "error", "metadata.list", "metadata.deep.key"]


def a_text(rnd: random.Random, most: int = 5) -> str:
    return "".join(rnd.choice(PIECES) + rnd.choice(GAPS) for _ in range(rnd.randint(0, most)))


def a_value(rnd: random.Random, depth: int = 0) -> object:
    match rnd.randint(0, 6 if depth < 2 else 3):
        case 0 | 1:
            return a_text(rnd)
        case 2:
            return rnd.choice([None, True, False, 404, 17, 1e5, 1.5, 1e22, 1e-7, -7, 10**20, 1e16, 0.1])
        case 3:
            return rnd.choice(PIECES)
        case 4 | 5:
            return [a_value(rnd, depth + 1) for _ in range(rnd.randint(0, 3))]
        case _:
            return {rnd.choice(PIECES) + rnd.choice(GAPS): a_value(rnd, depth + 1) for _ in range(rnd.randint(0, 3))}


def a_document(rnd: random.Random, number: int) -> dict[str, object]:
    document: dict[str, object] = {"id": f"row{number}", "span_attributes": {"name": rnd.choice(PIECES)}}
    metadata: dict[str, object] = {"text": a_text(rnd, 2), "deep": {"key": a_value(rnd, 1)}, "list": [a_text(rnd, 1)]}
    document["metadata"] = {key: value for key, value in metadata.items() if rnd.random() < 0.8}
    for name in ("input", "output", "error"):
        if rnd.random() < 0.7:
            document[name] = a_text(rnd) * rnd.choice([1, 1, 40]) if rnd.random() < 0.6 else a_value(rnd)
    if rnd.random() < 0.5:
        document["tags"] = [rnd.choice(PIECES) + rnd.choice(GAPS) for _ in range(rnd.randint(0, 3))]
    return document


def a_pattern(rnd: random.Random) -> str:
    word = rnd.choice(PIECES)
    start = rnd.randint(0, max(len(word) - 2, 0))
    cut = word[start : start + rnd.choice([2, 4, 8, 400])]
    written = "".join(
        character if rnd.random() < 0.95 else "_" for character in cut + rnd.choice(GAPS) + rnd.choice(["", "", word])
    )
    for special in ("\\", "%"):
        written = written.replace(special, f"\\{special}")
    return rnd.choice(["", "%", "%"]) + written + rnd.choice(["", "%", "%", "%e"])


def a_condition(rnd: random.Random, depth: int = 0) -> str:
    field, other = rnd.choice(FIELDS), rnd.choice(FIELDS)
    text = (rnd.choice(PIECES) if rnd.random() < 0.7 else a_text(rnd, 2)).replace("'", "''")
    match rnd.randint(0, 11 if depth < 2 else 8):
        case 0 | 1 | 2 | 3:
            return f"{field} {rnd.choice(['like', 'ilike'])} {quoted(a_pattern(rnd))}"
        case 4:
            return f"{field} = {quoted(text)}"
        case 5:
            return f"{field} in ({quoted(text)}, {quoted(rnd.choice(PIECES))})"
        case 6:
            return f"{field} match {quoted(text)}"
        case 7:
            known = field if field != "tags" else "input"
            return f"{rnd.choice(['starts_with', 'ends_with'])}({known}, {quoted(text[:5])})"
        case 8:
            return f"{field} includes {quoted(text)}"
        case 9 if rnd.random() < 0.5:
            return f"({field} match {quoted(text)} and not {field} match {quoted(rnd.choice(PIECES))})"
        case 9:
            return f"not ({a_condition(rnd, depth + 1)})"
        case 10:
            return f"({a_condition(rnd, depth + 1)} and {other} is not null)"
        case _:
            return f"({a_condition(rnd, depth + 1)} or {a_condition(rnd, depth + 1)})"


def quoted(text: str) -> str:
    special = {"\\": "\\\\", "'": "''"}
    return "'" + "".join(special.get(character, character) for character in text) + "'"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Two parts with superseded and deleted rows in them, and a tail."""
    rnd = random.Random(5)
    path = tmp_path_factory.mktemp("probes") / "db"
    with btql.connect(path) as conn:
        conn.ingest("project_logs:q", [a_document(rnd, number) for number in range(60)])
        for start in (0, 60):
            conn.ingest("project_logs:p", [a_document(rnd, number) for number in range(start, start + 60)])
            conn.compact()
        conn.ingest("project_logs:p", [a_document(rnd, number) for number in range(50, 70)])
        conn.ingest("project_logs:p", [{"id": f"row{number}", "_object_delete": True} for number in range(30, 40)])
        conn.ingest("project_logs:p", [a_document(rnd, number) for number in range(200, 220)])
    with Storage.open(path) as storage:
        yield Database(storage)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the index whatever it costs."""
    monkeypatch.setattr(candidates, "GAIN_MIN", 0)
    monkeypatch.setattr(probes, "COLUMNS_SHARE", 1.0)
    monkeypatch.setattr(probes, "DOCUMENTS_SHARE", 1.0)


def ids(database: Database, condition: str, disabled: list[str]) -> list[object]:
    text = f"select: id | from: project_logs('p') | filter: {condition} | sort: id"
    return [row["id"] for row in database.query(text, disabled).rows()]


@pytest.mark.parametrize("seed", range(3))
def test_probes_leave_out_no_row(database: Database, seed: int) -> None:
    rnd = random.Random(seed)
    found = 0
    for _ in range(20):
        condition = a_condition(rnd)
        expected = ids(database, condition, PROBES)
        assert ids(database, condition, []) == expected, condition
        assert ids(database, condition, []) == expected, f"asked again: {condition}"
        found += bool(expected)
    assert found > 2, "the questions find something"


@pytest.mark.parametrize("source", ["'p'", "'q'", "'p', 'q'"], ids=["superseded", "plain", "both"])
def test_rows_are_counted_without_being_read(database: Database, source: str) -> None:
    conditions = ["", "input match 'rainbow'", "search('test')", "input match 'the' and output match 'needle'"]
    conditions += ["input match 'over' and not input match 'the'", "tags match 'the' and not tags match ''"]
    conditions += ["input match ''", "tags match 'rainbow' or (input match 'over' and metadata match 'user')"]
    for condition in conditions:
        text = f"measures: count(1) as n | from: project_logs({source})" + (
            f" | filter: {condition}" if condition else ""
        )
        expected = database.query(text, ["count_rows", *PROBES]).rows()
        # The second time, what the index has found is known.
        assert [database.query(text).rows() for _ in range(2)] == [expected, expected], condition
        assert "counted" in explain(database, text)


def test_first_rows_without_a_word(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_rows, "GUESS", 1)
    monkeypatch.setattr(first_rows, "GUESS_MIN", 2)
    for condition in ("not input match 'rainbow' and output is not null", "input match 'over' or metadata.text = 'f'"):
        text = f"select: id | from: project_logs('p') | filter: {condition} | limit: 9"
        expected = database.query(text, ["stop_early", *PROBES]).rows()
        assert database.query(text).rows() == expected
        assert database.query(text, PROBES).rows() == expected


HARD = {
    "input ilike '%test99%'": {"input": "a te\u017ft99"},
    "input like '%nneedle%'": {"input": {"a": "x\nneedle"}},
    "input like '%0001x99%'": {"input": ["\x01x99"]},
    "input like '%rainbow%'": {"input": "x" * 250 + "rainbow"},
    "input like '%1e-7%'": {"input": [1e-7]},
    "input like '%100000%'": {"input": [1e5]},
    "input like '%null%'": {"input": {"a": None}},
    "tags ilike 'istanbul%'": {"tags": ["\u0130stanbul"]},
    "input ilike '%stra\u00dfe%'": {"input": "STRA\u1e9eE"},
    "input ilike '%5\u03bcmeter%'": {"input": "5\u00b5meter"},
    "metadata.n = '1e2'": {"metadata": {"n": 100}},
    "metadata.n in ('42', 'forty')": {"metadata": {"n": 42.0}},
    "input ilike '%\u4eac\u30bf%'": {"input": "\u6771\u4eac\u30bf\u30ef\u30fc"},
    "input like '%over -%- the%'": {"input": "over - and - the"},
}
"""Conditions, and documents that pass although the index has other words."""


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("hard") / "db"
    with btql.connect(path) as conn:
        documents = [{**document, "id": str(number)} for number, document in enumerate(HARD.values())]
        others = [{"id": f"other{number}", "input": ["filler"], "metadata": {"n": "none"}} for number in range(9)]
        conn.ingest("project_logs:p", [*documents, *others])
        conn.compact()
    with Storage.open(path) as storage:
        yield Database(storage)


@pytest.mark.parametrize(("number", "condition"), list(enumerate(HARD)), ids=list(map(ascii, HARD)))
def test_what_only_the_engine_finds_is_not_left_out(hard: Database, number: int, condition: str) -> None:
    expected = ids(hard, condition, PROBES)
    assert str(number) in expected
    assert ids(hard, condition, []) == expected


def test_tokens_of_the_planner_are_those_of_the_index() -> None:
    for text in ["Ab-c_D  e1\x01f", "user-17", "x" * 255, "x" * 256, "stra\u00dfe", "", "\x1f_"]:
        assert probes._tokens(text) == tokenize(text)
    for code in range(128):
        indexed = index_character(chr(code))
        assert pattern_words._cell(chr(code), False).letters == indexed.strip()
        assert pattern_words._cell(chr(code), True).letters.rstrip(pattern_words.LONG_S) == indexed.strip()


@pytest.mark.parametrize("seed", range(2))
def test_first_rows_that_pass_are_the_first_of_all(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "DOCUMENTS_GUESS", 1)
    monkeypatch.setattr(first_rows, "DOCUMENTS_GUESS_MIN", 2)
    monkeypatch.setattr(first_rows, "STEP_MAX", 3)
    rnd = random.Random(seed)
    for _ in range(12):
        condition = rnd.choice([a_condition(rnd), "input ilike '%e%'", "output like '%a%' and not error like '%b%'"])
        order = rnd.choice(["created desc", "created", "_pagination_key desc", "_xact_id desc, id", "id"])
        text = f"select: id, input | from: project_logs('p') | filter: {condition} | sort: {order}"
        text += f" | limit: {rnd.choice([1, 3, 20, 500])}"
        expected = database.query(text, ["check_few_documents", *PROBES]).rows()
        assert database.query(text).rows() == expected, text


def test_what_was_sought_is_explained(database: Database) -> None:
    text = "select: id | from: project_logs('p') | filter: input ilike '%ainbow over%'"
    explained = explain(database, text, analyze=True)
    assert "probe=(input LIKE *ainbow or inbow and input LIKE over*)" in explained
    assert re.search(r"[0-9]+ hits of at most [0-9]+ for input LIKE", explained)

"""Inputs as deltas: they come back as they were, however they are read, and are found by what they say."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from storage_support.delta_rows import WORDS, row_of, some_rows, written
from storage_support.reading import documents_of

from btql_storage.cache_budget import CacheBudget
from btql_storage.care.blocks import directory
from btql_storage.care.facade import check_database, repair_database
from btql_storage.errors import Damaged
from btql_storage.part import deltas
from btql_storage.part.deltas import CHAIN_MAX, DeltaBases, DeltaFinder
from btql_storage.part.documents import DOCUMENT_SCHEMA
from btql_storage.part.format import KEYS_FILE, ROWS_FILE
from btql_storage.part.layout import FAST, SMALL, Layout
from btql_storage.part.reader import INPUTS_MAX, Part
from btql_storage.part.whole_inputs import BaseTexts
from btql_storage.row import Row
from btql_storage.row_numbers import ranges
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore
from btql_storage.text import chains, index, writer
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Piece, TextProbe, Without, Word
from btql_storage.text.tokens import index_text, texts_of


def found(*texts: bytes | None) -> list[tuple[int, bytes] | None]:
    """Return the base of each text and what it adds."""
    finder = DeltaFinder()
    deltas_found = [finder.find(row_of(number, text)) for number, text in enumerate(texts)]
    return [delta and (delta.base, delta.text) for delta in deltas_found]


def put_together(*stored: tuple[int | None, bytes]) -> list[bytes | None]:
    """Return the texts of rows of which the bases and what is stored are given."""
    known = BaseTexts(DeltaBases.of([base for base, _ in stored]))
    texts = [known.pieces(row, text) for row, (_, text) in enumerate(stored)]
    return [None if pieces is None else b"".join(pieces) for pieces in texts]


def test_a_conversation_that_goes_on_is_a_delta_of_the_call_before():
    first, second = b'[{"role":"system"},{"role":"user"}]', b'[{"role":"system"},{"role":"user"},{"a":[1]}]'
    assert found(first, second, second[:-1] + b',{"b":2}]') == [
        None,
        (0, b',{"a":[1]}]'),
        (1, b',{"b":2}]'),
    ]


def test_the_longest_beginning_counts():
    head = b'["a long beginning of all"'
    calls = [head + b"]", head + b',"x"]', head + b',"y"]', head + b',"x","z"]', head + b',"y","z"]']
    assert [delta and delta[0] for delta in found(*calls)] == [None, 0, 0, 1, 2]


def test_what_is_said_again_is_an_empty_delta():
    texts = b'["some text, twice over"]', b'{"question":"anything, twice over"}', b'"a text that is said twice over"'
    for text in texts:
        assert found(text, text, text) == [None, (0, b""), (0, b"")]
        assert put_together((None, text), (0, b""), (1, b"")) == [text] * 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"question":"any question"}', b'{"question":"any question","more":1}'),
        (b'["any question", 1234]', b'["any question", 12345]'),
        (b'["any question", "more"]', b'["any question", "moreover"]'),
        (b'"any question, and so on"', b'"any question, and so on, and on"'),
        (b"12345678901234567890", b"123456789012345678901"),
        (b'["any question", {"more":[1]}]', b'["any question", {"more":[1, 2]}]'),
        (b'{"messages":["any question"]}', b'{"messages":["any question",2],"messages":[]}'),
        (b'{"messages":["any question"]}', b'{"messages":["any question",2],"more":[2]}'),
        (b'{"more":{"messages":["any question"]}}', b'{"more":{"messages":["any question",2],"x":{}}}'),
        (b'{"messages":["any question"]}', b'{"messages":["any question"],"more":[]}'),
    ],
)
def test_only_an_array_goes_on_and_only_after_a_whole_element(before: bytes, after: bytes):
    assert found(before, after) == [None, None]


@pytest.mark.parametrize(
    ("before", "delta", "added"),
    [
        (b'["any question"]', b',1.5,"x"]', [1.5, "x"]),
        (b'[["any question"]]', b',["and"]]]', [[["and"]]]),
        (b'[["any question"]]', b',["and"]],[1]]', [[["and"]], [1]]),
        (b'{"model":"x","messages":[{"any":"question"}]}', b',{"any":"answer]}"},{}]}', [{"any": "answer]}"}, {}]),
        (b'{"more":{"messages":[["any question"]]}}', b",[2],3]]}}", [[[2], 3]]),
        (b'{"a":["any"],"b":{},"a":["question"]}', b",2]}", [2]),
    ],
)
def test_an_array_at_the_end_goes_on(before: bytes, delta: bytes, added: list[Any]):
    after = before.rstrip(b"}").rstrip(b"]") + delta
    assert found(before, after) == [None, (0, delta)]
    twice = after.rstrip(b"}").rstrip(b"]") + delta
    assert put_together((None, before), (0, delta), (1, delta)) == [before, after, twice]
    finder = DeltaFinder()
    assert finder.find(row_of(0, before)) is None
    told = finder.find(row_of(1, after))
    assert told is not None
    assert orjson.loads(told.added()) == added
    assert Counter(texts_of(orjson.loads(after))) == Counter(texts_of(orjson.loads(before))) + Counter(texts_of(added))


def test_another_trace_is_another_conversation():
    finder = DeltaFinder()
    text = b'["a text that is said twice over"]'
    assert finder.find(row_of(0, text, trace=0)) is None
    assert finder.find(row_of(1, text, trace=1)) is None


def test_a_chain_ends_somewhere():
    calls = [orjson.dumps(["a long beginning of all", *range(count)]) for count in range(CHAIN_MAX + 2)]
    bases = [delta and delta[0] for delta in found(*calls)]
    # To begin anew costs more than to go on from the first of the chain, and to go on from a later one serves for less.
    assert bases == [None, *range(CHAIN_MAX - 1), 0, CHAIN_MAX]


@pytest.mark.parametrize("wrap", [b"[%b]", b'{"model":"x","messages":[%b]}'])
def test_thousands_of_calls_take_a_few_times_the_room_of_their_messages(wrap: bytes):
    rnd = random.Random(4)
    messages = [orjson.dumps({"content": "x" * rnd.randint(50, 150)}) for _ in range(3000)]
    finder, texts, depths = DeltaFinder(), [wrap % b",".join(messages[: call + 1]) for call in range(3000)], list[int]()
    stored = 0
    for call, text in enumerate(texts):
        delta = finder.find(row_of(call, text))
        depths.append(1 if delta is None else depths[delta.base] + 1)
        stored += len(text if delta is None else delta.text)
        if delta is not None:
            assert put_together((None, texts[delta.base]), (0, delta.text)) == [texts[delta.base], text]
            assert len(orjson.loads(delta.added())) == call - delta.base
    assert max(depths) <= CHAIN_MAX
    assert stored < 4 * len(texts[-1])


def test_memory_for_what_may_go_on_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deltas, "_CANDIDATE_BYTES_MAX", 100)
    long, longer = b'["%b"]' % (b"x" * 80), b'["%b"]' % (b"y" * 200)
    assert found(long, longer, long, longer) == [None, None, (0, b""), None]
    assert found(long, b'["%b"]' % (b"z" * 80), long) == [None, None, None]


@pytest.mark.parametrize("layout", [FAST, SMALL])
@pytest.mark.parametrize("budget", [0, 20_000, 1 << 30])
def test_rows_come_back_as_they_were(tmp_path: Path, layout: Layout, budget: int):
    rows = some_rows(budget)
    part = written(tmp_path / "9", rows, layout, budget)
    rnd = random.Random(budget)
    assert len(part.bases.rows) > 50
    assert part.rows(np.arange(len(rows))) == rows
    for step in (3, 50):
        for first in range(0, len(rows), step):
            numbers = np.arange(first, min(first + step, len(rows)))
            assert part.rows(numbers) == rows[first : first + step]
    for _ in range(100):
        chosen = rnd.choices(range(len(rows)), k=rnd.choice([1, 2, 30]))
        assert part.rows(np.array(chosen)) == [rows[number] for number in chosen]
        inputs = part.documents(np.array(chosen), ["output", "input"]).column("input").to_pylist()
        texts = [rows[number].fields.get("input") for number in chosen]
        assert inputs == [None if text is None else text.decode() for text in texts]
    only = part.documents(np.arange(len(rows)), ["input"])
    assert only.column("input").null_count == sum("input" not in row.fields for row in rows)


def test_what_rows_to_come_go_on_from_is_kept(tmp_path: Path):
    messages = ["x" * 1000] * 20
    caches = CacheBudget(1 << 30)
    rows = [row_of(count, orjson.dumps(messages[: count + 1])) for count in range(20)]
    part = written(tmp_path / "9", rows, caches=caches)
    assert part.rows(np.array([10])) == [rows[10]]
    assert caches.sizes["inputs"] == len(rows[10].fields["input"])
    for number in range(11, 20):
        assert part.rows(np.array([number])) == [rows[number]]
    part.forget()
    assert not caches.sizes["inputs"]


def test_of_what_rows_go_on_from_little_is_kept(tmp_path: Path):
    caches = CacheBudget(1 << 30)
    part = written(tmp_path / "9", some_rows(5, 300), caches=caches)
    for number in range(300):
        part.rows(np.array([number]))
    assert 0 < len(part.inputs) <= INPUTS_MAX


def test_a_conversation_takes_the_room_of_its_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rnd = random.Random(3)
    messages = [rnd.randbytes(20_000).hex() for _ in range(20)]
    rows = [row_of(count, orjson.dumps(messages[: count + 1])) for count in range(20)]
    with_deltas = written(tmp_path / "9", rows).file_bytes
    monkeypatch.setattr(deltas, "DELTA_BYTES_MIN", 1 << 40)
    without = written(tmp_path / "10", rows).file_bytes
    assert 5 * with_deltas["rows"] < without["rows"]


def test_what_a_row_goes_on_from_is_counted_as_read(tmp_path: Path):
    rnd = random.Random(3)
    messages = [rnd.randbytes(200_000).hex() for _ in range(4)]
    part = written(tmp_path / "9", [row_of(count, orjson.dumps(messages[: count + 1])) for count in range(4)])
    read = [part.document_bytes(np.array([number]), ["input"]) for number in range(4)]
    assert read[3] > 3 * read[0]
    assert part.document_bytes(np.arange(4), ["input"]) == read[3]
    assert part.document_bytes(np.array([3]), ["output"]) < read[0]


@pytest.mark.parametrize("layout", [FAST, SMALL])
def test_how_large_a_delta_is_is_told_however_small_its_block_is(tmp_path: Path, layout: Layout):
    text = b'["%b"' % (b"x" * 500_000)
    rows: list[Row] = []
    for call in range(10):
        text += b',"and %d"' % call
        rows.append(row_of(len(rows), text + b"]"))
        rows += [row_of(len(rows) + number, b'"a small one"') for number in range(100)]
    part = written(tmp_path / "9", rows, layout)
    sizes = part.json_bytes(np.arange(len(rows)))
    assert sum(sizes) == pytest.approx(sum(row.json_bytes for row in rows), rel=0.01)
    assert part.bases.rows.tolist() == list(range(101, 1010, 101))
    assert sizes[part.bases.rows].tolist() == [rows[number].json_bytes for number in part.bases.rows]
    assert part.json_bytes(np.array([909, 3])).tolist() == [sizes[909], sizes[3]]


def some_phrase(rnd: random.Random) -> Phrase:
    words = " ".join(WORDS).replace("東京", "東 京").split()
    tokens = [word for word in rnd.choices(words, k=rnd.choice([1, 1, 2, 3])) if word.isalnum()]
    usual = rnd.choice([("gamma", "delta"), ("東", "京"), ("role", "user"), ("alpha", "gamma", "delta")])
    return Phrase(rnd.choice(["input", "input", "input", "output"]), usual if rnd.random() < 0.4 else tuple(tokens))


def some_probe(rnd: random.Random, depth: int = 0) -> TextProbe:
    chance = rnd.random()
    if depth > 2 or chance < 0.4:
        return some_phrase(rnd)
    if chance < 0.5:
        piece = Piece(tuple(rnd.choice(["alp", "mma", "elt", "rol", "東"])), starts=rnd.random() < 0.5, ends=False)
        return Word("input", (piece,))
    inner: list[TextProbe] = [some_probe(rnd, depth + 1) for _ in range(rnd.randint(1, 3))]
    if chance < 0.75:
        return AnyOf(tuple(inner))
    return AllOf((*inner, Without(some_phrase(rnd))) if rnd.random() < 0.5 else tuple(inner))


def holds(probe: TextProbe, tokens: dict[str, str]) -> bool:
    """Evaluate a probe on the tokens of each field of one row."""
    match probe:
        case Phrase():
            text = " ".join(tokens[probe.field].split())
            return bool(probe.tokens) and f" {' '.join(probe.tokens)} " in f" {text} "
        case Word():
            ((piece,), words) = probe.pieces, tokens[probe.field].split()
            letters = "".join(letter for (letter,) in piece.letters)
            return any(word.startswith(letters) if piece.starts else letters in word for word in words)
        case Without():
            return not holds(probe.phrase, tokens)
        case AllOf():
            return all(holds(each, tokens) for each in probe.probes)
        case AnyOf():
            return any(holds(each, tokens) for each in probe.probes)


def has_words(probe: TextProbe) -> bool:
    return isinstance(probe, Word) or any(map(has_words, getattr(probe, "probes", ())))


def as_in_format_5(monkeypatch: pytest.MonkeyPatch, rows: Sequence[Row]) -> None:
    """Have all words of rows that go on from others in a field beside, as they were there once."""
    told = writer._told
    done = [0]

    def with_all_words(fields: Any, rows_deltas: Any) -> Any:
        values = [orjson.loads(row.fields.get("input", b"null")) for row in rows[done[0] :][: len(fields["input"])]]
        done[0] += len(values)
        words = [(place, "input_words", texts_of(value)) for place, value in enumerate(values)]
        return [*told(fields, rows_deltas), *(words if any(rows_deltas) else [])]

    monkeypatch.setattr(writer, "_told", with_all_words)


@pytest.mark.parametrize(
    ("layout", "probes", "near_max", "near_share", "is_old"),
    [(FAST, 300, 200, 400, False), (FAST, 300, 20, 0, False), (FAST, 100, 200, 0, True), (SMALL, 100, 200, 0, False)],
)
def test_texts_are_found_in_every_row_that_has_them(
    tmp_path: Path,
    layout: Layout,
    probes: int,
    near_max: int,
    near_share: int,
    is_old: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(index, "NEAR_SHARE", near_share)
    monkeypatch.setattr(chains, "NEAR_MAX", near_max)
    rows = some_rows(11)
    if is_old:
        as_in_format_5(monkeypatch, rows)
    part = written(tmp_path / "9", rows, layout)
    tokens = [
        {name: index_text(texts_of(orjson.loads(row.fields.get(name, b"null")))) for name in ("input", "output")}
        for row in rows
    ]
    rnd = random.Random(5)
    for _ in range(probes):
        probe = some_probe(rnd)
        expected = [number for number, each in enumerate(tokens) if holds(probe, each)]
        rows_max = rnd.randrange(200)
        few = part.texts.find(probe, rows_max).rows
        rows_found = part.texts.find(probe).rows
        if has_words(probe):
            assert rows_found is None or set(expected) <= set(rows_found.tolist()), str(probe)
            continue
        assert rows_found is not None
        assert rows_found.tolist() == expected, str(probe)
        assert few is None if len(expected) > rows_max else few is None or few.tolist() == expected
        assert part.texts.count(probe) == len(expected), str(probe)


def test_what_goes_on_from_rows_is_come_by_once(monkeypatch: pytest.MonkeyPatch):
    rnd = random.Random(6)
    bases = [rnd.randrange(max(row - 8, 0), row) if row % 50 and rnd.random() < 0.9 else None for row in range(2000)]
    of_rows, looked_at = DeltaBases.of(bases), list[int]()

    def counted(starts: Any, lengths: Any) -> Any:
        looked_at.append(int(lengths.sum()))
        return ranges(starts, lengths)

    monkeypatch.setattr(deltas, "ranges", counted)
    for share in (0, 0.001, 0.1, 1):
        rows = [row for row in range(2100) if rnd.random() < share]
        expected = set(rows)
        for row, base in enumerate(bases):
            if base in expected:
                expected.add(row)
        looked_at.clear()
        assert of_rows.with_dependents(np.array(rows, np.int64)).tolist() == sorted(expected)
        assert sum(looked_at) <= len(of_rows)


def test_files_of_before_there_were_deltas_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = some_rows(2, 40)
    with monkeypatch.context() as patch:
        patch.setattr(deltas, "DELTA_BYTES_MIN", 1 << 40)
        part = written(tmp_path / "9", rows)
    path = tmp_path / "9" / ROWS_FILE
    file = pa.ipc.open_file(path.read_bytes())
    with pa.ipc.new_file(str(path), DOCUMENT_SCHEMA.with_metadata({"btql.format": "4"})) as older:
        older.write_batch(file.get_batch(0).select(DOCUMENT_SCHEMA.names))
    assert file.num_record_batches == 1
    assert part.rows(np.arange(40)) == rows
    assert part.rows(np.array([7])) == [rows[7]]
    starts, bases = directory(path)
    assert (starts.tolist(), len(bases)) == ([0], 0)


@pytest.fixture
def database(quick_path: Path) -> tuple[Path, dict[str, Any]]:
    """A database with one part that has long conversations, and its documents."""
    rnd = random.Random(8)
    events: list[dict[str, Any]] = []
    for trace in range(30):
        messages: list[str] = []
        for call in range(20):
            messages.append(rnd.randbytes(600).hex())
            events.append({"id": f"r{trace:02}-{call:02}", "root_span_id": f"t{trace}", "input": [*messages]})
    path = quick_path / "db"
    with Storage.open(path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, events)
        storage.compact()
        return path, documents_of(storage, target)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + 8] = bytes(byte ^ 0xFF for byte in content[place : place + 8])
    path.write_bytes(content)


def test_a_database_with_deltas_is_sound(database: tuple[Path, dict[str, Any]]):
    report = check_database(database[0], deep=True)
    assert report.is_sound, [str(one) for one in report.findings]


def test_keys_are_made_anew_with_the_bases(database: tuple[Path, dict[str, Any]]):
    path, documents = database
    spoil(path / "parts" / "1" / "keys.arrow")
    assert repair_database(path).is_sound
    assert check_database(path, deep=True).is_sound
    with Storage.open(path) as storage:
        assert documents_of(storage, storage.object("project_logs", "x")) == documents


def test_what_goes_on_from_a_lost_row_is_lost_and_nothing_else(database: tuple[Path, dict[str, Any]]):
    path, before = database
    spoil(path / "parts" / "1" / "rows.arrow")
    assert not repair_database(path).is_sound
    outcome = repair_database(path, give_up_rows=True)
    assert outcome.is_sound
    with Storage.open(path) as storage:
        after = documents_of(storage, storage.object("project_logs", "x"))
    lost = sorted(before.keys() - after.keys())
    assert 0 < len(lost) < 400
    assert all(after[row_id] == before[row_id] for row_id in after)
    # Whatever else is in the block: of a conversation, all is lost from some call on.
    for trace in {row_id.split("-")[0] for row_id in lost}:
        calls = [int(row_id.split("-")[1]) for row_id in lost if row_id.startswith(trace)]
        assert calls == list(range(calls[0], 20)) or calls == list(range(calls[0], calls[-1] + 1))
    assert f"{len(lost)} rows of `project_logs:x`" in outcome.lost[0]


def blocks_of(path: Path) -> Iterator[pa.RecordBatch]:
    file = pa.ipc.open_file(path.read_bytes())
    yield from (file.get_batch(number) for number in range(file.num_record_batches))


def test_a_row_whose_base_has_no_input_is_damage_that_is_named(tmp_path: Path):
    rows = [row_of(0, b'["a long beginning of all"]'), row_of(1, b'["a long beginning of all",1]')]
    part = written(tmp_path / "9", rows)
    path = tmp_path / "9" / ROWS_FILE
    (block,) = blocks_of(path)
    place = block.schema.get_field_index("input")
    emptied = block.set_column(place, "input", pa.array([None, ",1]"]))
    with pa.ipc.new_file(str(path), block.schema) as file:
        file.write_batch(emptied)
    with pytest.raises(Damaged, match=r"rows\.arrow`: row 1 goes on from row 0, which is not there"):
        part.rows(np.array([1]))


@pytest.mark.parametrize("base", [0, 6, 9, 1 << 31])
def test_a_row_is_not_read_with_a_base_that_is_not_its_own(tmp_path: Path, base: int):
    messages = ["x" * 1000] * 20
    part = written(tmp_path / "9", [row_of(count, orjson.dumps(messages[: count + 1])) for count in range(20)])
    bases = part.bases.bases.tobytes()
    changed = part.bases.bases.copy()
    changed[np.searchsorted(part.bases.rows, 9)] = base
    path = tmp_path / "9" / KEYS_FILE
    # They come last in the file.
    before, _, after = path.read_bytes().rpartition(bases)
    path.write_bytes(before + changed.tobytes() + after)
    again = Part(LocalStore(tmp_path / "9"), ".", 9, part.stats, part.file_bytes, CacheBudget(0))
    with pytest.raises(Damaged, match=r"cannot read `.*(keys|rows)\.arrow`: .*(bases of deltas|do not come before)"):
        again.rows(np.array([9]))

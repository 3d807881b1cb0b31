"""Parts that take little room give the answers of all others."""

import random
import tracemalloc
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from storage_support.reading import documents_of
from support.span_rows import make_row

import btql
from btql_storage.cache_budget import CacheBudget
from btql_storage.care.facade import check_database, repair_database
from btql_storage.errors import BadSetting
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.folder import Settings
from btql_storage.part import stats, writer
from btql_storage.part.layout import FAST, SMALL, layout_of
from btql_storage.part.manifest import Owner
from btql_storage.part.reader import Part
from btql_storage.part.writer import PartWriter
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore
from btql_storage.text.index import TextIndex
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Piece, Without, Word
from btql_storage.text.scan import TextScan
from btql_storage.text.tokens import tokenize

WORDS = [
    *["rate", "Limit", "\N{KELVIN SIGN}ey", "İx", "naïve", "東京", "😀", "1.5", "1e2", "info", "a_b", "new\nline"],
    "x" * 300,
]
OWNER = Owner(1, "project_logs", "x", 1)


def some_text(rnd):
    return rnd.choice([" ", "-", ", ", "", "\n", '"', "\\", "/", "é"]).join(rnd.choices(WORDS, k=rnd.randint(1, 6)))


def some_rows(seed):
    rnd = random.Random(seed)
    documents = [
        {
            "input": [{"role": "user", "content": some_text(rnd)}, some_text(rnd)],
            "output": {some_text(rnd): rnd.choice([100.0, True, None, some_text(rnd)])},
            "metadata": some_text(rnd),
        }
        for _ in range(200)
    ]
    return [make_row(number, document, trace=number // 4) for number, document in enumerate(documents)]


def written(folder, rows, layout):
    writer = PartWriter(folder, 9, OWNER, layout)
    writer.add(rows)
    files = writer.finish()
    return Part(LocalStore(folder), ".", 9, files.stats, files.file_bytes, CacheBudget(1 << 20))


def found(part, probe, **options):
    rows = part.texts.find(probe, **options).rows
    assert rows is not None
    return rows.tolist()


def some_probe(rnd, depth=0):
    match rnd.randint(0, 5 if depth < 2 else 2):
        case 0 | 1 | 2:
            return Phrase(rnd.choice(["input", "output", "metadata"]), tuple(tokenize(some_text(rnd))[:3]))
        case 3:
            return AnyOf(tuple(some_probe(rnd, depth + 1) for _ in range(rnd.randint(1, 3))))
        case 4:
            return AllOf(tuple(some_probe(rnd, depth + 1) for _ in range(rnd.randint(1, 3))))
        case _:
            phrases = [Phrase("input", tuple(tokenize(some_text(rnd))[:2])) for _ in range(2)]
            return AllOf((some_probe(rnd, depth + 1), *map(Without, phrases)))


@pytest.mark.parametrize("seed", range(4))
def test_a_part_without_positions_finds_what_one_with_them_finds(tmp_path, seed):
    rnd = random.Random(seed)
    rows = some_rows(seed)
    fast, small = (written(tmp_path / name, rows, layout) for name, layout in (("fast", FAST), ("small", SMALL)))
    hits = 0
    for _ in range(150):
        probe = some_probe(rnd)
        expected = found(fast, probe)
        assert found(small, probe) == expected, probe
        assert small.texts.count(probe) == fast.texts.count(probe) == len(expected)
        assert set(expected) <= set(found(small, probe, loosely=True))
        hits += len(expected)

    assert hits


def test_what_is_checked_anyway_is_found_without_a_look_at_documents(tmp_path, monkeypatch):
    rows = [make_row(n, {"input": "rate limit" if n % 2 else "limit rate"}, trace=n) for n in range(50)]
    part = written(tmp_path / "part", rows, SMALL)
    monkeypatch.setattr(Part, "documents", lambda *_: pytest.fail("documents were read"))

    assert found(part, Phrase("input", ("rate", "limit")), loosely=True) == list(range(50))
    assert found(part, Phrase("input", ("limit",))) == list(range(50))
    assert part.texts.find(Phrase("input", ("rate", "limit")), rows_max=10).rows is None


def test_words_that_a_pattern_may_be_in_stay_beside_a_phrase(tmp_path):
    rows = [make_row(n, {"input": ["rate limit", "limits rate"][n % 2]}, trace=n) for n in range(20)]
    part = written(tmp_path / "part", rows, SMALL)
    word = Word("input", (Piece(("l", "i"), starts=True, ends=False),))

    assert found(part, AllOf((word, Phrase("input", ("rate", "limit"))))) == list(range(0, 20, 2))
    # What only a look at the text can tell is left to whoever asks.
    assert set(range(20)) == set(found(part, AnyOf((word, Phrase("input", ("rate", "limit"))))))


@pytest.mark.parametrize("between", ["東", " ", "\n", '"'])
def test_what_may_be_between_two_words_takes_no_memory(between):
    column = pa.chunked_array([[orjson.dumps(f"rate{between * 500_000}limit").decode()]])
    tracemalloc.start()
    try:
        found = TextScan(1, lambda _: column).find(Phrase("input", ("rate", "limits")))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found.rows_max == 0
    assert most < 20 << 20


def test_whoever_waits_may_stop_the_reading(tmp_path):
    rows = [make_row(n, {"input": "rate limit"}, trace=n) for n in range(20)]
    part = written(tmp_path / "part", rows, SMALL)

    def stop():
        raise TimeoutError

    with pytest.raises(TimeoutError):
        part.texts.find(Phrase("input", ("rate", "limit")), check=stop)
    assert found(part, Phrase("input", ("rate", "limit")), check=lambda: None) == list(range(20))


def test_it_takes_less_room(tmp_path):
    rows = some_rows(1)
    fast, small = (written(tmp_path / name, rows, layout) for name, layout in (("fast", FAST), ("small", SMALL)))

    assert small.file_bytes["text"] < fast.file_bytes["text"]
    assert small.file_bytes["rows"] <= fast.file_bytes["rows"]
    assert TextIndex(tmp_path / "fast" / "text").has_positions
    assert not TextIndex(tmp_path / "small" / "text").has_positions


QUESTION = "select: id | from: project_logs('x') | filter: input MATCH 'rate limit' | sort: id"
TEXTS = ["a rate limit", "the limit rate", {"rate": "limit"}, "rate-limit"]


def indexes(folder: Path) -> list[bool]:
    return [TextIndex(path.parent).has_positions for path in sorted(folder.glob("parts/*/text/meta.json"))]


def test_the_environment_says_how_parts_are_written_and_both_kinds_are_read(tmp_path, monkeypatch):
    with btql.connect(tmp_path / "db") as conn:
        for name, layout in (("a", "small"), ("b", "fast")):
            monkeypatch.setenv("BTQL_LAYOUT", layout)
            with btql.connect(tmp_path / "db") as other:
                events = [{"id": f"{name}{n}", "input": text} for n, text in enumerate(TEXTS)]
                other.ingest("project_logs:x", events)
                other.compact()

        assert sorted(indexes(tmp_path / "db")) == [False, True]
        assert [row["id"] for row in conn.query(QUESTION)] == ["a0", "a3", "b0", "b3"]


@pytest.mark.parametrize("place", ["db", "named"])
def test_the_configuration_says_it_too(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BTQL_LAYOUT", raising=False)
    general = 'layout = "small"' if place == "db" else 'databases.named = { files = "db", layout = "small" }'
    (tmp_path / "btql.toml").write_text(general)
    with btql.connect(place) as conn:
        conn.ingest("project_logs:x", [{"id": str(n), "input": text} for n, text in enumerate(TEXTS)])
        conn.compact()

        assert indexes(tmp_path / "db") == [False]
        assert [row["id"] for row in conn.query(QUESTION)] == ["0", "3"]


def test_a_part_that_is_repaired_is_laid_out_as_configured(tmp_path, monkeypatch):
    monkeypatch.delenv("BTQL_LAYOUT", raising=False)
    config = tmp_path / "btql.toml"
    config.write_text('files = "db"\nlayout = "small"')
    with Storage.open(str(config), create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, [{"id": str(n), "input": f"rate limit {n} " * 40} for n in range(50)])
        storage.compact()
    assert indexes(tmp_path / "db") == [False]
    (tmp_path / "db/parts/1/keys.arrow").unlink()

    assert repair_database(str(config)).is_sound
    assert indexes(tmp_path / "db")[-1:] == [False]
    assert not (tmp_path / "db/parts/1/keys.arrow").exists()


def test_a_database_is_sound_whoever_checks_it(tmp_path):
    # Which paths come first is told by where blocks end, and those of the layout are larger than the check's.
    events = [{"id": f"{n:03}", "output" if n > 150 else "metadata": {"a": n}, "odd": "x" * 3_000} for n in range(200)]
    with Storage.open(tmp_path / "db", create=True, settings=Settings(layout=SMALL)) as storage:
        storage.ingest(storage.create_object("project_logs", "x"), events)
        storage.compact()

    assert check_database(tmp_path / "db", deep=True).findings == []


def test_a_database_of_very_many_paths_is_sound_whoever_checks_it(tmp_path, monkeypatch):
    monkeypatch.setattr(stats, "TRACKED_MAX", 300)
    monkeypatch.setattr(stats, "PATHS_MAX", 100)
    monkeypatch.setattr(stats, "COLUMNS_MAX", 50)
    monkeypatch.setattr(writer, "CHUNK_ROWS", 150)
    events = [{"id": f"{n:03}", "odd": "x" * 4_000, "metadata": {f"k{999 - n}": n, f"l{n}": n}} for n in range(400)]
    with Storage.open(tmp_path / "db", create=True, settings=Settings(layout=SMALL)) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, events)
        storage.compact()

        assert storage.care.check(deep=True).findings == []
        assert len(documents_of(storage, target)) == 400


def test_a_layout_that_is_none_is_told(tmp_path, monkeypatch):
    (tmp_path / "btql.toml").write_text('files = "db"\nlayout = "tiny"')

    with pytest.raises(BadSetting, match="`layout` is `tiny`, which is no layout") as told:
        Storage.open(tmp_path / "btql.toml")
    assert told.value.help == "write fast or small"
    monkeypatch.setenv("BTQL_LAYOUT", "large")
    with pytest.raises(BadSetting, match="BTQL_LAYOUT is `large`"):
        Storage.open(tmp_path / "db")
    assert layout_of("small", {}) == SMALL
    assert layout_of("small", {"BTQL_LAYOUT": "fast"}) == FAST
    assert layout_of(None, {"BTQL_LAYOUT": ""}) == FAST


def test_all_indexed_fields_are_searched(tmp_path):
    rows = [make_row(0, {name: {"deep": ["one two", "three"]} for name in INDEXED_FIELDS}, trace=0)]
    part = written(tmp_path / "part", rows, SMALL)

    for name in INDEXED_FIELDS:
        assert found(part, Phrase(name, ("one", "two"))) == [0]
        assert found(part, Phrase(name, ("two", "three"))) == []

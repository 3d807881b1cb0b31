from __future__ import annotations

import errno
import os
import random
import resource
import sys
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import tantivy

from btql_storage.cache_budget import CacheBudget
from btql_storage.errors import Damaged, NoMoreFiles
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.text import opened as text_index
from btql_storage.text import writer as text_writer
from btql_storage.text.index import TextIndex
from btql_storage.text.probe import Found, Phrase
from btql_storage.text.tokens import matches, tokenize
from btql_storage.text.writer import TextIndexWriter

WORDS = [
    "the",
    "quick",
    "Brown",
    "FOX",
    "naïve",
    "e-mail",
    "a_b",
    "東京",
    "カナ",
    "한국",
    "مرحبا",
    "😀",
    "हिन्दी",
    "x" * 300,
    "1.5",
]


def build(folder, documents, budget=None):
    writer = TextIndexWriter(folder)
    for start in range(0, len(documents), 50):
        some = documents[start : start + 50]
        names = {name for document in some for name in document}
        writer.add(start, len(some), {name: [document.get(name) for document in some] for name in names})
    writer.finish()
    return TextIndex(folder, budget)


def random_text(rnd, words):
    return rnd.choice(["", " ", "-", ", "]).join(rnd.choices(words, k=rnd.randint(0, 8)))


def random_value(rnd, depth=0):
    match rnd.randint(0, 5 if depth < 3 else 2):
        case 0:
            return rnd.choice([None, True, 1.5, 42, -7])
        case 1 | 2:
            return random_text(rnd, WORDS)
        case 3 | 4:
            return [random_value(rnd, depth + 1) for _ in range(rnd.randint(0, 4))]
        case _:
            return {random_text(rnd, WORDS): random_value(rnd, depth + 1) for _ in range(rnd.randint(0, 4))}


@pytest.mark.parametrize("seed", range(3))
def test_index_and_scan_agree(tmp_path, seed):
    rnd = random.Random(seed)
    documents = [{name: random_value(rnd) for name in rnd.sample(INDEXED_FIELDS, 2)} for _ in range(120)]
    index = build(tmp_path / "text", documents)
    queries = [tokenize(random_text(rnd, WORDS)) for _ in range(60)]
    queries += [tokenize(word) for word in WORDS] + [["absent"], ["the", "absent"], ["the"] * 3]

    for query in queries:
        for name in INDEXED_FIELDS:
            expected = [row for row, document in enumerate(documents) if matches(document.get(name), query)]
            assert index.rows(name, query).tolist() == expected, (name, query)


def test_rows_are_numbers_in_order(tmp_path):
    index = build(tmp_path / "text", [{"output": "same"}, {}, {"output": "same"}, {"input": "same"}])

    rows = index.rows("output", ["same"])

    assert rows.dtype == np.int64
    assert rows.tolist() == [0, 2]
    assert index.rows("output", []).tolist() == []


def test_an_index_without_rows(tmp_path):
    assert build(tmp_path / "text", []).rows("input", ["x"]).tolist() == []


def test_large_texts_do_not_pile_up_before_the_indexing_thread(tmp_path, monkeypatch):
    monkeypatch.setattr(text_writer, "QUEUE_CHARS_MAX", 10_000)
    documents = [{"output": f"needle{i % 7} " + "hay " * 500} for i in range(60)]

    index = build(tmp_path / "text", documents)

    assert index.rows("output", ["needle3"]).tolist() == list(range(3, 60, 7))
    assert len(index.rows("output", ["hay", "hay"])) == 60


def test_a_deep_value(tmp_path):
    value = "leaf"
    for _ in range(min(200, sys.getrecursionlimit() // 4)):
        value = [value]

    assert build(tmp_path / "text", [{"input": value}]).rows("input", ["leaf"]).tolist() == [0]


def test_a_missing_index_is_named(tmp_path):
    with pytest.raises(Damaged, match="text index"):
        TextIndex(tmp_path / "none").rows("input", ["x"])


def test_too_many_open_files_are_no_damage(tmp_path):
    TextIndexWriter(tmp_path / "text").finish()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    # As few as Tantivy cannot do with, though there are some.
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        with pytest.raises(NoMoreFiles, match=r"cannot read .*too many open files"):
            TextIndex(tmp_path / "text").open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_full_disk_is_told_as_such(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            build(tmp_path / "text", [{"input": "x"}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert caught.value.errno == errno.EFBIG


def test_only_so_many_indexes_stay_open(tmp_path, monkeypatch):
    monkeypatch.setattr(text_index, "OPEN_MAX", 2)
    monkeypatch.setattr(text_index, "_open_indexes", OrderedDict())
    indexes = [build(tmp_path / str(i), [{"input": f"word{i}"}]) for i in range(5)]

    for _ in range(2):
        for i, index in enumerate(indexes):
            assert index.rows("input", [f"word{i}"]).tolist() == [0]
    assert len(text_index._open_indexes) == 2
    for index in indexes:
        index.close()
    assert len(text_index._open_indexes) == 0


def test_a_folder_that_cannot_be_written_can_be_read(tmp_path, monkeypatch):
    index = build(tmp_path / "text", [{"input": "word"}])
    real = tantivy.Index.open

    def refuse(path):
        if path == str(tmp_path / "text"):
            raise ValueError("Failed to acquire Lockfile: IoError(Os { code: 13, kind: PermissionDenied })")
        return real(path)

    monkeypatch.setattr(text_index.tantivy, "Index", SimpleNamespace(open=refuse))

    assert index.rows("input", ["word"]).tolist() == [0]


def test_the_files_can_be_read_by_whoever_can_list_them(tmp_path):
    build(tmp_path / "text", [{"input": "word"}])

    folder_mode = (tmp_path / "text").stat().st_mode & 0o666
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "text").iterdir()} == {folder_mode}


def listed(found: Found) -> list[int]:
    assert found.rows is not None
    return found.rows.tolist()


def test_what_was_found_is_found_again(tmp_path, monkeypatch):
    budget = CacheBudget(1 << 20)
    index = build(tmp_path / "text", [{"input": WORDS[number % 3]} for number in range(30)], budget)
    probe = Phrase("input", ("quick",))
    found = index.find(probe)
    assert listed(found) == list(range(1, 30, 3))

    monkeypatch.setattr(TextIndex, "_find", None)
    assert index.find(probe) is found
    assert index.find(probe, 10) is found
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(found.rows)[0] = 7
    assert index.find(probe, 9).rows is None
    with pytest.raises(TypeError):
        index.find(Phrase("output", ("quick",)))

    assert budget.sizes["found"] > 80
    index.close()
    assert budget.sizes["found"] == 0
    with pytest.raises(TypeError):
        index.find(probe)


@pytest.mark.parametrize("probe", [Phrase("input", ("the",)), Phrase("input", ("the", "quick"))])
def test_how_many_rows_are_too_many_is_counted_once(tmp_path, monkeypatch, probe):
    index = build(tmp_path / "text", [{"input": "the quick"} for _ in range(30)], CacheBudget(1 << 20))
    assert index.find(probe, 5).rows is None
    with monkeypatch.context() as patch:
        patch.setattr(TextIndex, "_find", None)
        assert index.find(probe, 29).rows is None
        with pytest.raises(TypeError):
            index.find(probe, 30)
    assert listed(index.find(probe)) == list(range(30))
    assert index.find(probe, 5).rows is None
    assert listed(index.find(probe, 30)) == list(range(30))


def test_rows_of_two_indexes_are_kept_apart(tmp_path):
    budget = CacheBudget(1 << 20)
    one = build(tmp_path / "one", [{"input": "the"}], budget)
    other = build(tmp_path / "other", [{"input": "quick"}, {"input": "the"}], budget)
    probe = Phrase("input", ("the",))
    for _ in range(2):
        assert (listed(one.find(probe)), listed(other.find(probe))) == ([0], [1])

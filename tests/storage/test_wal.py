"""WAL files: what goes in comes out, whole files only, and numbers that increase."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from storage_support.wal_events import TARGET, XACT, read_back

from btql_storage.clock import Clock
from btql_storage.coordination.numbers import LocalNumbers
from btql_storage.errors import Damaged, NewerFormat
from btql_storage.format import wal_name, wal_numbers
from btql_storage.ingest.accept import accept
from btql_storage.stores.local import LocalStore
from btql_storage.transactions import PREFIX, pagination_key
from btql_storage.wal import format as wal_format
from btql_storage.wal import reader, writer
from btql_storage.wal.event import WalEvent


def written(tmp_path: Path, *lines: bytes) -> reader.WalFile:
    path = tmp_path / wal_name(XACT)
    path.write_bytes(bytes(writer.encode(writer.columns(accept(lines), [TARGET]), XACT)))
    return reader.WalFile(path, XACT)


def test_events_come_out_as_they_went_in(tmp_path: Path):
    file = written(
        tmp_path,
        b'{"id":"a","root_span_id":"r","created":"2026-01-01T00:00:00Z","input":{"x":1.0},"odd":[1]}',
        '{"id":"b","output":"ä","_is_merge":true,"_merge_paths":[["x"]],"flags":7,"object":null}'.encode(),
    )

    assert file.rows == 2
    assert file.objects == [TARGET]
    first, second = file.events(file.rows_of(3))
    assert (first.id, first.span_id, first.root_span_id) == ("a", "a", "r")
    assert first.created_us == 1_767_225_600_000_000
    assert (first.xact_id, first.row_number) == (XACT, 0)
    assert first.fields == {"input": b'{"x":1.0}', "odd": b"[1]"}
    assert first.control is None
    assert not first.merges
    assert second.fields == {"output": '"ä"'.encode(), "flags": b"7", "object": b"null"}
    assert second.merges
    assert second.control is not None
    assert second.control.merge_paths == [["x"]]
    assert second.pagination_key == pagination_key(XACT, 1)


def test_the_text_of_events_is_not_copied():
    accepted = accept([b'{"id":"a","input":"%b"}' % (b"x" * 10_000)] * 100)
    content = writer.encode(writer.columns(accepted, [TARGET]), XACT)
    text = memoryview(accepted.lines.buffers()[2])
    largest = max(content.pieces, key=len)

    assert np.shares_memory(np.frombuffer(text, np.uint8), np.frombuffer(largest, np.uint8))


@pytest.mark.parametrize("chars", [10, 10_000])
@pytest.mark.parametrize("compress", [False, True])
def test_small_and_large_files_are_alike(tmp_path: Path, chars: int, compress: bool):
    lines = [b'{"id":"%d","input":"%b"}' % (number, b"x" * chars) for number in range(100)]
    path = tmp_path / wal_name(XACT)
    path.write_bytes(bytes(writer.encode(writer.columns(accept(lines), [TARGET]), XACT, compress=compress)))
    file = reader.WalFile(path, XACT)
    file.check()

    assert [event.fields["input"] for event in file.events(file.rows_of(3))] == [b'"%b"' % (b"x" * chars)] * 100


def test_ids_are_read_without_payloads(tmp_path: Path):
    file = written(tmp_path, *(b'{"id":"%d","root_span_id":"r%d"}' % (i, i // 2) for i in range(5)))

    assert file.ids(np.array([4, 0])) == (["4", "0"], ["r2", "r0"])


def test_some_rows_are_read_in_the_order_asked_for(tmp_path: Path):
    file = written(tmp_path, *(b'{"id":"%d","input":%d}' % (i, i) for i in range(5)))

    assert [(event.id, event.row_number) for event in file.events(np.array([3, 1]))] == [("3", 3), ("1", 1)]


def test_another_object_has_no_rows(tmp_path: Path):
    assert len(written(tmp_path, b"{}").rows_of(4)) == 0


def test_events_without_any_field_are_read(tmp_path: Path):
    file = written(tmp_path, b'{"id":"a"}', b'{"id":"b"}')

    assert [event.fields for event in file.events(file.rows_of(3))] == [{}, {}]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"ARROW1\0\0" + b"x" * 100])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "x.arrow"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"x\.arrow"):
        reader.WalFile(path, 1)


def test_a_cut_file_is_named(tmp_path: Path):
    path = written(tmp_path, *(b'{"input":"%d"}' % i for i in range(1000))).path
    path.write_bytes(path.read_bytes()[:-100])
    cut = reader.WalFile(path, XACT)

    # Whose events it has is still known: who is not in it need not care.
    assert [one.name for one in cut.objects] == [TARGET.name]
    assert not len(cut.rows_of(99))
    with pytest.raises(Damaged, match=path.name):
        list(cut.events(cut.rows_of(cut.objects[0].id)))


def test_every_byte_that_is_flipped_is_found(tmp_path: Path):
    path = written(tmp_path, b'{"input":"abc","tags":["x"]}').path
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises((Damaged, NewerFormat), match=path.name):
            reader.WalFile(path, XACT).check()


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(Damaged, match="missing"):
        reader.WalFile(tmp_path / "y.arrow", 1)


def test_a_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wal_format, "FORMAT_VERSION", reader.FORMAT_VERSION + 1)
    with pytest.raises(NewerFormat, match=f"format {reader.FORMAT_VERSION + 1}"):
        written(tmp_path, b'{"_audit_source":"api"}')


def comparable(event: WalEvent) -> tuple[object, ...]:
    # Files of before have no null but in merges; it says nothing elsewhere.
    fields = {name: text for name, text in event.fields.items() if event.merges or text != b"null"}
    return replace(event, line=None, given=None, not_stored=frozenset()), fields


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_older_versions_are_read(tmp_path: Path, version: int):
    old = reader.WalFile(Path(__file__).parent / "old_files" / f"wal-{version}.arrow", XACT)
    plain = [
        b'{"id":"a","root_span_id":"r","created":"2026-01-01T00:00:00Z","input":{"x":1.0},"odd":[1],"project_id":"p"}',
        '{"id":"b","output":"ä","input":null,"gone":null,"_is_merge":true,"_merge_paths":[["x"]],"flags":7}'.encode(),
        b'{"id":"c","input":null,"tags":["t"],"span_parents":["a"],"n":1e999}',
        b'{"id":"a","_object_delete":true}',
    ]
    audited = [
        b'{"id":"a","scores":{"s":1},"_is_merge":true,"_audit_source":"app","_audit_metadata":{"k":[1]}}',
        b'{"id":"k1","comment":{"text":"x"},"origin":{"id":"a"},"user":{"id":"u"},"created":"2026-01-02T00:00:00Z"}',
    ]
    lines = plain if version == 1 else plain + audited
    accepted = accept(lines, HandClock(1_700_000_000), frozenset({"project_id"}))
    objects = [TARGET, wal_format.ObjectName(9, "project_logs", "p")]
    owners = [3, 3, 9, 3, 3, 3][: len(lines)]
    now = read_back(writer.columns(accepted, objects, owners))

    assert old.objects == objects
    assert old.rows_of(9).tolist() == [2]
    assert [comparable(event) for event in old.events(np.arange(len(lines)))] == [comparable(event) for event in now]


def test_keys_that_are_left_out_are_so_for_whoever_reads(tmp_path: Path):
    path = tmp_path / "x.arrow"
    accepted = accept([b'{"id":"a","project_id":"p","input":1}'], leave_out=frozenset({"project_id"}))
    path.write_bytes(bytes(writer.encode(writer.columns(accepted, [TARGET]), XACT)))

    assert [event.fields for event in reader.WalFile(path, XACT).events(np.arange(1))] == [{"input": b"1"}]
    assert b"project_id" in path.read_bytes()


def test_objects_share_a_file(tmp_path: Path):
    path = tmp_path / "x.arrow"
    accepted = accept([b'{"id":"%d"}' % number for number in range(5)])
    objects = [wal_format.ObjectName(9, "dataset", "d"), wal_format.ObjectName(3, "project_logs", "p")]
    path.write_bytes(bytes(writer.encode(writer.columns(accepted, objects, [9, 3, 3, 9, 3]), XACT)))
    file = reader.WalFile(path, XACT)

    assert file.objects == objects
    assert [event.id for event in file.events(file.rows_of(9))] == ["0", "3"]
    assert [event.id for event in file.events(file.rows_of(3))] == ["1", "2", "4"]
    assert len(file.rows_of(4)) == 0


def test_only_whole_names_are_transactions():
    names = ["0000000000000000007.arrow", "0000000000000000003.arrow", ".new-1-x.arrow", "x.arrow", "note.txt"]

    assert wal_numbers(names) == [3, 7]


class HandClock(Clock):
    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def now_us(self) -> int:
        return self.seconds * 1_000_000


def _numbers(folder: Path, clock: Clock) -> LocalNumbers:
    (folder / "locks").mkdir(exist_ok=True)
    return LocalNumbers(LocalStore(folder), clock, 1)


def test_numbers_tell_the_time_and_always_increase(tmp_path: Path):
    clock = HandClock(100)
    numbers = _numbers(tmp_path, clock)

    assert numbers.next() == PREFIX | 100 << 16
    assert numbers.next() == PREFIX | 100 << 16 | 1
    clock.seconds = 50
    assert numbers.next() == PREFIX | 100 << 16 | 2
    clock.seconds = 101
    assert numbers.next() == PREFIX | 101 << 16


def test_another_process_goes_on_from_the_counter(tmp_path: Path):
    clock = HandClock(100)
    first, second = (_numbers(tmp_path, clock) for _ in range(2))

    assert [first.next(), second.next(), first.next()] == [PREFIX | 100 << 16 | counter for counter in range(3)]


@pytest.mark.parametrize("left", [b"", b"12", b"x" * 19, b"\0" * 19])
def test_a_broken_counter_is_overruled_by_what_was_seen(tmp_path: Path, left: bytes):
    numbers = _numbers(tmp_path, HandClock(1))
    (tmp_path / "locks/last_xact").write_bytes(left)
    numbers.seen(PREFIX | 100 << 16)

    assert numbers.next() == PREFIX | 100 << 16 | 1


@pytest.mark.parametrize("place", [0, 1, 3, 7])
def test_a_counter_that_is_too_far_ahead_is_not_used(tmp_path: Path, place: int):
    clock = HandClock(1_800_000_000)
    last = PREFIX | clock.seconds << 16
    content = bytearray(b"%019d" % last)
    content[place] = ord("9")
    numbers = LocalNumbers(LocalStore(tmp_path), clock, 1, lambda: last)
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/last_xact").write_bytes(content)

    assert str(int(content)) in str(numbers.problem())
    numbers.seen(last)
    assert numbers.next() == last + 1
    assert numbers.problem() is None


def test_a_counter_that_went_back_is_overruled_by_what_others_wrote(tmp_path: Path):
    clock = HandClock(100)
    first = _numbers(tmp_path, clock)
    taken = [first.next() for _ in range(3)]
    second = LocalNumbers(LocalStore(tmp_path), clock, 1, lambda: taken[-1])
    second.seen(taken[1])
    (tmp_path / "locks/last_xact").write_bytes(b"%019d" % taken[0])

    assert second.next() == taken[-1] + 1


def test_a_counter_from_before_the_clock_was_set_back_is_used_where_files_have_its_numbers(tmp_path: Path):
    clock = HandClock(1_800_000_000)
    first = _numbers(tmp_path, clock)
    clock.seconds += 400 * 86_400
    taken = [first.next()]
    clock.seconds -= 400 * 86_400
    second = LocalNumbers(LocalStore(tmp_path), clock, 1, lambda: taken[-1])

    assert second.problem() is None
    assert second.next() == taken[-1] + 1


def test_a_full_second_borrows_from_the_next(tmp_path: Path):
    numbers = _numbers(tmp_path, HandClock(1))
    numbers.seen(PREFIX | 1 << 16 | 0xFFFF)

    assert numbers.next() == PREFIX | 2 << 16


def test_keys_sort_like_transactions_and_rows():
    keys = [pagination_key(PREFIX | xact, row) for xact in (1, 2, 1 << 40) for row in (0, 1, 65_535)]

    assert keys == sorted(keys)
    assert all(len(key) == 21 for key in keys)

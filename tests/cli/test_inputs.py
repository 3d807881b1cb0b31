"""Reading NDJSON: batches, compression, line numbers, and what cannot be read."""

import gzip
import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from btql.cli import inputs
from btql.cli.console import Failure


def _read(data: bytes, most: int = 1 << 20) -> list[inputs.Batch]:
    return list(inputs.batches(inputs.Input("x", io.BytesIO(data), len(data)), most))


def test_empty_lines_are_passed_over_but_counted():
    (batch,) = _read(b'{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}')

    assert batch.lines == [b'{"a":1}', b'{"b":2}\r', b'{"c":3}']
    assert batch.numbers == [1, 4, 5]


def test_nothing_gives_no_batch():
    assert _read(b"") == []
    assert _read(b"\n\n") == []


def test_a_byte_order_mark_is_dropped():
    assert _read(b"\xef\xbb\xbf{}\n")[0].lines == [b"{}"]


def test_batches_end_after_lines_and_after_bytes(monkeypatch):
    monkeypatch.setattr(inputs, "LINES_MAX", 3)
    assert [batch.numbers for batch in _read(b"{}\n" * 7)] == [[1, 2, 3], [4, 5, 6], [7]]

    monkeypatch.setattr(inputs, "BATCH_BYTES_MAX", 10)
    assert [len(batch.lines) for batch in _read(b"123456\n" * 5)] == [2, 2, 1]


def test_a_line_over_the_limit_is_only_reported(monkeypatch):
    monkeypatch.setattr(inputs, "CHUNK_BYTES", 8)
    (batch,) = _read(b"1\n" + b"x" * 50 + b"\n2\n" + b"y" * 21, 20)

    assert batch.lines == [b"1", b"2"]
    assert batch.too_long == [2, 4]


@given(
    data=st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    chunk=st.integers(1, 40),
)
def test_lines_are_those_of_split_for_any_chunks(data, chunk):
    text = b"\n".join(data)
    chunks = [text[i : i + chunk] for i in range(0, len(text), chunk)]
    expected = text.split(b"\n")
    if expected[-1] == b"":
        expected.pop()

    assert list(inputs._lines(iter(chunks), 1 << 20)) == expected


def _zstd(data: bytes) -> bytes:
    return zstandard.compress(data)


@pytest.mark.parametrize("compress", [gzip.compress, _zstd])
def test_compressed_members_are_read_one_after_the_other(compress):
    batches = _read(compress(b'{"a":1}\n{"b"') + compress(b":2}\n"))

    assert [line for batch in batches for line in batch.lines] == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("compress", [gzip.compress, _zstd])
def test_a_cut_compressed_file_is_an_error(compress):
    data = compress(b"\n".join(b'{"id":"%d"}' % (i * i) for i in range(1000)))
    with pytest.raises(Failure, match=r"^x: cannot be read after line \d+: "):
        _read(data[: len(data) // 2])


def test_the_progress_counts_compressed_bytes():
    data = gzip.compress(b"{}\n" * 100_000)
    source = inputs.Input("x", io.BytesIO(data), len(data))
    list(inputs.batches(source, 1 << 20))

    assert source.read_bytes == len(data)


def test_files_and_urls_are_opened(tmp_path):
    file = tmp_path / "a.ndjson"
    file.write_bytes(b"{}\n")
    for name in (str(file), f"file://{file}"):
        with inputs.opened(name) as source:
            assert source.size_bytes == 3
            assert [batch.lines for batch in inputs.batches(source, 1 << 20)] == [[b"{}"]]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.ndjson", "no such file"), ("", "no such file"), ("nosuchscheme://x/y", "nosuchscheme")],
)
def test_what_cannot_be_opened_says_why(name, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Failure, match=f"(?i)cannot read {name}: .*{reason}"), inputs.opened(name):
        pass


def test_a_folder_is_no_input(tmp_path):
    with pytest.raises(Failure, match="is a directory"), inputs.opened(str(tmp_path)):
        pass

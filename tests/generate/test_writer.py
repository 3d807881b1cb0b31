"""Writing generated spans into files."""

from __future__ import annotations

import gzip
import io
from itertools import chain

import pytest
import zstandard

from btql.generate.stream import generate
from btql.generate.writer import write


def expected() -> bytes:
    return b"".join(line + b"\n" for line in chain.from_iterable(generate("small", 300, 5)))


def test_plain_file(tmp_path):
    written = write("small", 300, 5, tmp_path / "spans.ndjson")

    content = (tmp_path / "spans.ndjson").read_bytes()
    assert content == expected()
    assert (written.spans, written.events, written.size) == (300, content.count(b"\n"), len(content))


def test_binary_stream():
    out = io.BytesIO()
    write("small", 300, 5, out)

    assert out.getvalue() == expected()
    assert not out.closed


def test_gzip_has_the_same_bytes_every_time(tmp_path):
    for name in ("a.ndjson.gz", "b.ndjson.gz"):
        write("small", 300, 5, str(tmp_path / name))

    first = (tmp_path / "a.ndjson.gz").read_bytes()
    assert gzip.decompress(first) == expected()
    assert first == (tmp_path / "b.ndjson.gz").read_bytes()


def test_zstandard(tmp_path):
    write("small", 300, 5, tmp_path / "spans.ndjson.zst")

    with zstandard.ZstdDecompressor().stream_reader((tmp_path / "spans.ndjson.zst").read_bytes()) as reader:
        assert reader.read() == expected()


def test_progress_counts_up_to_the_end(tmp_path):
    seen = []
    written = write("small", 3000, 5, tmp_path / "spans.ndjson", seen.append)

    assert seen[-1] == written
    assert len(seen) > 5
    assert [progress.spans for progress in seen] == sorted(progress.spans for progress in seen)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_file_is_not_left_behind(tmp_path, interruption):
    (tmp_path / "spans.ndjson").write_text("the file before")

    def interrupt(_):
        raise interruption

    with pytest.raises(interruption):
        write("small", 3000, 5, tmp_path / "spans.ndjson", interrupt)

    assert [path.name for path in tmp_path.iterdir()] == ["spans.ndjson"]
    assert (tmp_path / "spans.ndjson").read_text() == "the file before"


def test_a_wrong_profile_touches_nothing(tmp_path):
    with pytest.raises(ValueError, match="no profile"):
        write("large", 3000, 5, tmp_path / "spans.ndjson")

    assert list(tmp_path.iterdir()) == []

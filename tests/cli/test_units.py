"""Numbers as people read them."""

import pytest

from btql.cli import units


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1023 * 1024, "0.999 MiB"),
        (200 * 2**20, "200 MiB"),
        (5 * 2**50, "5 PiB"),
        (5000 * 2**50, "5,000 PiB"),
    ],
)
def test_sizes(size_bytes, expected):
    assert units.size(size_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0004, "0.4 ms"),
        (0.0351, "35 ms"),
        (0.9996, "1.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds, expected):
    assert units.duration(seconds) == expected


def test_counts_and_rates():
    assert units.plural(1, "span") == "1 span"
    assert units.plural(12345, "span") == "12,345 spans"
    assert units.rate(43_000, 2.0, "spans") == "21,500 spans/s"
    assert units.rate(3, 2.0, "spans") == "1.5 spans/s"
    assert units.rate(3, 0.0, "spans").endswith(" spans/s")

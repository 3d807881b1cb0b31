"""Queries that go on until somebody stops them."""

from __future__ import annotations

ENDLESS = "SELECT n AS id, repeat('some words ', 20) AS input FROM generate_series(1, 1000000000000) AS s (n)"
"""1e12 rows, of which the first come at once."""
LONG = "SELECT sum(n) AS n FROM generate_series(1, 1000000000000) AS s (n)"
"""One row, after hours; the engine gives it up at once."""
RUNAWAY = (
    "SELECT count(*) FROM demo a, demo b, demo c, (SELECT input.n AS n FROM demo LIMIT 4) d "
    "WHERE a.input.n + b.input.n > c.input.n + d.n"
)
"""A join without an equality, which the engine may not give up at once; two seconds of a core. Should some of them go
on, the server begins no others, so one test may ask it."""

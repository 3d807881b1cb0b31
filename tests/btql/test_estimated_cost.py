"""``estimated_cost()``: what a span says itself, then its tokens at the price of its model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import btql

MINE = {"models": {"mine": {"input": 1, "output": 10, "cached_input": 0.5, "cache_write": 2}}}
SPANS: list[dict[str, object]] = [
    {"metadata": {"model": "gpt-4o"}, "metrics": {"prompt_tokens": 1_000_000, "completion_tokens": 100_000}},
    {"metadata": {"model": "openai/gpt-4o-2024-08-06"}, "metrics": {"prompt_tokens": 1_000_000}},
    {"metadata": {"model": "gpt-4o"}, "metrics": {"prompt_tokens": 1_000_000, "prompt_cached_tokens": 400_000}},
    {"metadata": {"model": "gpt-4o"}, "metrics": {"estimated_cost": 7, "prompt_tokens": 5}},
    {"metadata": {"model": "nobody-knows"}, "metrics": {"prompt_tokens": 5}},
    {"metadata": {"model": "gpt-4o"}, "metrics": {"tokens": 5}},
    {"metadata": {"model": 5}, "metrics": {"prompt_tokens": 5}},
    {"metrics": {"prompt_tokens": 5}},
    {
        "metadata": {"model": "mine"},
        "metrics": {
            "prompt_tokens": 1_000_000,
            "prompt_cached_tokens": 200_000,
            "prompt_cache_creation_tokens": 100_000,
            "completion_tokens": 10_000,
        },
    },
]
EXPECTED = [2.5 + 1.0, 2.5, 0.6 * 2.5 + 0.4 * 1.25, 7.0, None, None, None, None]
OF_MINE = 0.7 + 0.1 + 0.2 + 0.1


def costs(conn: btql.Connection) -> list[object]:
    rows = conn.query("select: estimated_cost() as cost | from: project_logs('p') | sort: id").rows()
    return [row["cost"] for row in rows]


def filled(path: Path, **options: object) -> btql.Connection:
    conn = btql.connect(path, **options)  # type: ignore[arg-type]
    conn.ingest("project_logs:p", [{"id": f"r{number}", **span} for number, span in enumerate(SPANS)])
    return conn


def test_costs_of_known_models(tmp_path: Path) -> None:
    with filled(tmp_path / "db") as conn:
        assert costs(conn) == pytest.approx([*EXPECTED, None])
        conn.compact()
        assert costs(conn) == pytest.approx([*EXPECTED, None])
        (row,) = conn.query("SELECT sum(estimated_cost()) AS total FROM project_logs('p')").rows()
        assert row["total"] == pytest.approx(sum(cost for cost in EXPECTED if cost is not None))


def test_prices_of_ones_own(tmp_path: Path) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text("[models.mine]\ninput = 1\noutput = 10\ncached_input = 0.5\ncache_write = 2\n")
    for number, prices in enumerate((MINE, toml, str(toml))):
        with filled(tmp_path / f"db{number}", prices=prices) as conn:
            assert costs(conn) == pytest.approx([*EXPECTED, OF_MINE])


def test_prices_in_the_folder_of_the_database(tmp_path: Path) -> None:
    with filled(tmp_path / "db"):
        (tmp_path / "db" / "prices.json").write_text(json.dumps(MINE))
    with btql.connect(tmp_path / "db") as conn:
        assert costs(conn) == pytest.approx([*EXPECTED, OF_MINE])
    with btql.connect(tmp_path / "db", prices={"models": {"mine": {"input": 0, "output": 0}}}) as conn:
        assert costs(conn)[-1] == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "has an object `models`"),
        ({"models": {"a": 5}}, "the price of `a` is an object"),
        ({"models": {"a": {"input": 1}}}, "the price of `a` has no `output`"),
        ({"models": {"a": {"input": "x", "output": 1}}}, "`input` of `a` is a number of dollars"),
        ({"models": {"a": {"input": 1, "output": 1, "in": 1}}}, "`in` of `a` is no price"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, document: object, message: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(document))
    with filled(tmp_path / "db", prices=file) as conn, pytest.raises(btql.Error, match=message):
        costs(conn)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with (
        filled(tmp_path / "db", prices=tmp_path / "no.json") as conn,
        pytest.raises(btql.Error, match="cannot read prices"),
    ):
        costs(conn)

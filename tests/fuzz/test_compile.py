"""Fuzzing of parser, binder and lowering: `make fuzz`, `make fuzz SECONDS=600`.

Texts are real queries, from the guides and the conformance cases, that are cut, spliced and
sprinkled with pieces of both languages. Whatever comes out, the only error is the project's own,
it can be drawn, and an answer is there within a second. A failure prints the seed of its text.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import btql

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SLOWEST = 1.0
"""Seconds that one text may take to compile."""
PIECES = (  # noqa: SIM905 - easier to read as one text
    "select: |from: |filter: |dimensions: |measures: |sort: |limit: |pivot: |unpivot: |sample: |SELECT |FROM |WHERE "
    "|GROUP BY |HAVING |ORDER BY |LIMIT |DISTINCT ON |LEFT JOIN |LATERAL |UNION ALL |WITH RECURSIVE |OVER (|FILTER ("
    "|support|metadata|.|::int|->>|[0]|[-1]|1|0.5|50%|'x'|\"y\"|null| and | or | not | in | is | like | match "
    "|case when | then | else | end|interval 1 day|count(*)|any_span(|filter_spans("
    "|(|)|[|]|{|}|,|?|:|*|+|-|/|%|=|<|--|/*"
    "|'|\"|\\|\n|;|\0|é|日|😀|99999999999999999999|1e400|array_agg(|lag(|row_number() |(SELECT |EXISTS "
).split("|")


def corpus() -> list[str]:
    """Return every query of the guides, the conformance cases and the error pages."""
    texts: list[str] = []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        texts += re.findall(r"```(?:btql|sql)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for cases in sorted((ROOT / "conformance").rglob("*.cases")):
        texts += re.findall(
            r"^--- (?:btql|sql)\n(.*?)\n(?=---|===)", cases.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    assert len(texts) > 500
    return texts


def mutated(texts: list[str], seed: int) -> str:
    """Return a text with some of its stretches cut, doubled, or replaced."""
    dice = random.Random(seed)
    text = dice.choice(texts)
    for _ in range(dice.randint(1, 5)):
        start = dice.randint(0, len(text))
        end = min(len(text), start + dice.choice([0, 0, 1, 3, 10, 40]))
        other = dice.choice(texts)
        begin = dice.randint(0, len(other))
        middle = dice.choice(
            [
                "",
                dice.choice(PIECES),
                other[begin : begin + dice.choice([1, 8, 40])],
                text[start:end] * dice.choice([2, 2, 3, 50]),
                dice.choice("([{-?") * dice.choice([1, 30, 3000]),
            ]
        )
        text = text[:start] + middle + text[end:]
    return text


def seeds() -> Iterator[int]:
    """Yield seeds until the time is up; FUZZ_SEED asks for one alone."""
    if "FUZZ_SEED" in os.environ:
        yield int(os.environ["FUZZ_SEED"])
        return
    first = random.SystemRandom().randrange(2**40)
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end:
        yield first + number
        number += 1


def explained(connection: btql.Connection, text: str) -> str:
    """Return the plan, or the drawing of the error."""
    try:
        return connection.explain(text)
    except btql.QueryError as error:
        return str(error)


def test_only_our_own_errors_and_soon(tmp_path: Path) -> None:
    texts = corpus()
    with btql.connect(tmp_path / "db") as connection:
        lines = (ROOT / "docs" / "examples" / "support.ndjson").read_bytes().splitlines()
        connection.ingest("project_logs:support", lines)
        for file in (ROOT / "conformance" / "cases" / "data").glob("*.ndjson"):
            for line in file.read_text(encoding="utf-8").splitlines():
                ((name, event),) = json.loads(line).items()
                connection.ingest(name, [event])
        for seed in seeds():
            text = mutated(texts, seed)
            began = time.perf_counter()
            try:
                drawn = explained(connection, text)
            except Exception as error:
                raise AssertionError(f"FUZZ_SEED={seed}\n{text}") from error
            assert drawn, f"FUZZ_SEED={seed}\n{text}"
            took = time.perf_counter() - began
            assert took < SLOWEST, f"FUZZ_SEED={seed} took {took:.1f} s\n{text}"

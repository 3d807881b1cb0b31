"""How fast spans go in: durable ingest through the command line, and compaction with its text index.

Each round works on a database of its own, so one round is one whole file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import btql
from btql.generate.stream import generate
from btql.generate.writer import write

SPANS = 100_000
SEED = 7


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ingest") / "spans.ndjson"
    write("small", SPANS, SEED, path)
    return path


def run_ingest(database: Path, file: Path) -> None:
    command = [sys.executable, "-m", "btql.cli", "ingest", str(database), "project_logs:demo", str(file)]
    subprocess.run(command, check=True, capture_output=True)


def test_generate(benchmark: BenchmarkFixture) -> None:
    benchmark.extra_info["spans"] = SPANS

    benchmark.pedantic(lambda: sum(map(len, generate("small", SPANS, SEED))), rounds=3)


def test_durable_ingest_through_the_command_line(benchmark: BenchmarkFixture, file: Path, tmp_path: Path) -> None:
    database = tmp_path / "db"
    benchmark.extra_info["spans"] = SPANS
    benchmark.extra_info["bytes"] = file.stat().st_size

    def clear() -> tuple[tuple[Path, Path], dict[str, object]]:
        shutil.rmtree(database, ignore_errors=True)
        return (database, file), {}

    benchmark.pedantic(run_ingest, setup=clear, rounds=5)


def test_compaction_with_text_index(benchmark: BenchmarkFixture, file: Path, tmp_path: Path) -> None:
    filled, database = tmp_path / "filled", tmp_path / "db"
    run_ingest(filled, file)
    benchmark.extra_info["spans"] = SPANS

    def copy() -> tuple[tuple[Path], dict[str, object]]:
        shutil.rmtree(database, ignore_errors=True)
        shutil.copytree(filled, database)
        return (database,), {}

    def compact(path: Path) -> None:
        with btql.connect(path) as conn:
            conn.compact()

    benchmark.pedantic(compact, setup=copy, rounds=3)

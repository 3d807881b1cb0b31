"""The command of the suite ``ingest``: measure, and write its page, its figures and its picture."""

from __future__ import annotations

import argparse
import multiprocessing
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson
from benchmarks.beside.chart import dots
from benchmarks.beside.ingest import mixed
from benchmarks.beside.ingest.compacting import compacted
from benchmarks.beside.ingest.report import IngestFigures, page
from benchmarks.beside.ingest.writers import WRITERS, written
from benchmarks.beside.machine import machine
from benchmarks.beside.rivals.btql import Btql
from benchmarks.beside.spans.data import finish, make
from benchmarks.beside.spans.recipes import in_btql
from benchmarks.beside.suite import Wanted
from benchmarks.beside.system import Missing, Parameters
from benchmarks.beside.worker import two_cores

T = TypeVar("T")

_ROOT = Path(__file__).resolve().parents[4]
_REAL_SHARE = 25
"""Spans of the profile ``real`` are so many times as large as small ones."""


def main(arguments: Sequence[str]) -> None:
    """Run what the arguments ask for."""
    options = _options(arguments)
    two_cores()
    began, began_at = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    figures = IngestFigures(options.size)
    folder = Path(options.folder) / f"ingest-{options.size}-{options.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    profiles = {"small": options.spans, "real": max(options.spans // _REAL_SHARE, 100)}
    _write_everywhere(figures, folder, options)
    for profile, spans in profiles.items():
        figures.compacted[f"{spans:,} {profile}"] = [
            _alone(compacted, _emptied(folder / "compacted"), profile, spans, options.seed)
            for _ in range(options.rounds)
        ]
        _tell(f"compacted: {profile}")
    shutil.rmtree(folder / "compacted")
    _ask_meanwhile(figures, folder, options)
    figures.machine = machine()
    figures.command = shlex.join(["make", "bench-beside", f"ARGS={shlex.join(['ingest', *arguments])}"])
    figures.began, figures.minutes = began_at, (time.monotonic() - began) / 60
    _publish(figures, Path(options.out), f"ingest-{options.size}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "beside ingest", description="Measure how fast events go in, and questions meanwhile."
    )
    parser.add_argument("--size", type=int, default=500_000, help="spans that questions are asked about")
    parser.add_argument("--spans", type=int, default=50_000, help="small spans that are written and compacted")
    parser.add_argument("--per-second", type=int, default=2_000, help="events that come in while questions are asked")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="for questions: idle, while writing, while exporting"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of writing and compacting")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", default=".benchmarks/beside", help="where the filled database is kept")
    parser.add_argument("--out", default=str(_ROOT / "docs" / "benchmarks"), help="where the report is written")
    return parser.parse_args(arguments)


def _alone(work: Callable[..., T], *arguments: object) -> T:
    """Do something in a process of its own, so that no system has another's memory and threads."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write_everywhere(figures: IngestFigures, folder: Path, options: argparse.Namespace) -> None:
    """Let every system write, round after round."""
    place = folder / "written"
    for number in range(options.rounds):
        # Who was last is first in the next round.
        for name in WRITERS if number % 2 == 0 else reversed(WRITERS):
            if name in figures.absent:
                continue
            try:
                found = _alone(written, name, _emptied(place), "small", options.spans, options.seed)
            except Missing as error:
                figures.absent[name] = str(error)
                continue
            figures.written.setdefault(name, []).append(found)
            _tell(f"written: {name}, {found.events_per_second:,.0f} events a second")
    shutil.rmtree(place)


def _ask_meanwhile(figures: IngestFigures, folder: Path, options: argparse.Namespace) -> None:
    parameters = _filled(folder, options)
    filled, used = folder / "filled", folder / "used"
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(filled, used)
    figures.idle = mixed.ask(used, parameters, options.seconds)
    _tell("asked: idle")
    with mixed.exporting(used) as end_export:
        figures.under_export = mixed.ask(used, parameters, options.seconds)
        figures.exported_per_second = end_export()
    _tell("asked: while all is exported")
    with mixed.writing(used, "small", options.per_second) as end_writes:
        figures.under_writes = mixed.ask(used, parameters, options.seconds)
        figures.load = end_writes()
    _tell("asked: while events come in")
    shutil.rmtree(used)


def _filled(folder: Path, options: argparse.Namespace) -> Parameters:
    """Fill a database, or find it, and choose what is asked for in it."""
    wanted = Wanted(options.size, "small", options.seed)
    data, filled = folder / "data", folder / "filled"
    data.mkdir(exist_ok=True)
    inputs = make(data, wanted)
    if not (folder / "done").exists():
        Btql(_emptied(filled), in_btql.RECIPE).load(inputs, "")
        (folder / "done").touch()
        _tell("filled")
    return finish(data, wanted, inputs, filled).parameters


def _publish(figures: IngestFigures, out: Path, name: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    rows = figures.medians()
    phases = list(next(iter(rows.values())))
    picture = dots(f"Questions while something else happens: medians, {figures.size:,} spans", rows, phases)
    (out / f"{name}.svg").write_text(picture, encoding="utf-8")
    (out / f"{name}.json").write_bytes(orjson.dumps(figures.as_json(), option=orjson.OPT_INDENT_2))
    text = page(figures, f"{name}.svg")
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _tell(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()

"""The command: run a suite, and write its page, its figures and its picture."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from benchmarks.beside import growth
from benchmarks.beside.chart import dots
from benchmarks.beside.figures import Figures
from benchmarks.beside.machine import machine
from benchmarks.beside.report import page
from benchmarks.beside.runner import Budget, Runner
from benchmarks.beside.suite import Suite, Wanted, suite_named, suite_names
from benchmarks.beside.worker import two_cores

_ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Run what the arguments ask for."""
    options = _options()
    two_cores()
    # Whoever ends this program ends the servers that it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    suite = suite_named(options.suite)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(options.size or suite.size, options.profile, options.seed)
    if options.growth:
        sizes = [int(size) for size in options.growth.split(",")]
        runs = {size: _run(suite, options, replace(wanted, size=size), [growth.SYSTEM]) for size in sizes}
        name = options.name or f"{suite.called(wanted).rpartition('-')[0]}-growth"
        figures = {str(size): run.as_json() for size, run in runs.items()}
        _write(out / name, growth.page(runs, suite, name), figures, growth.picture(runs, suite))
        return
    run = _run(suite, options, wanted, _chosen(options.systems, list(suite.systems), "system"))
    name = options.name or suite.called(wanted)
    rows = {
        question: {system: times.median for system, times in found.items() if times.median is not None}
        for question, found in run.times.items()
    }
    picture = dots(f"{suite.title}: warm medians, {run.rows:,} rows", rows, list(run.systems))
    _write(out / name, page(run, suite, f"{name}.svg"), run.as_json(), picture)


def _run(suite: Suite, options: argparse.Namespace, wanted: Wanted, systems: Sequence[str]) -> Figures:
    """Measure with some data."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    folder = Path(options.folder) / f"{suite.called(wanted)}-{wanted.seed}"
    budget = Budget(options.rounds, options.cold, options.patience, options.give_up)
    questions = _chosen(options.questions, [question.name for question in suite.questions], "question")
    again = _chosen(options.again, list(suite.systems), "system") if options.again else []
    figures = Runner(suite, folder, wanted, budget).run(systems, questions, again)
    figures.machine = machine()
    figures.command = f'make bench-beside ARGS="{shlex.join(sys.argv[1:])}"'
    figures.began = began_at.strftime("%Y-%m-%d %H:%M UTC")
    figures.minutes = (time.monotonic() - began) / 60
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("beside", description="Measure btql beside other systems.")
    parser.add_argument("suite", nargs="?", default="spans", choices=[*suite_names(), "ingest"])
    parser.add_argument("--size", type=int, help="how many spans or records; else as many as the suite says")
    parser.add_argument("--growth", help="sizes, with commas between, at which btql alone is measured")
    parser.add_argument("--profile", default="small", help="of the generator of spans: small, real or wide")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", default=".benchmarks/beside", help="where data and filled systems are kept")
    parser.add_argument("--systems", help="some of them, with commas between; else all")
    parser.add_argument("--questions", help="some of them, with semicolons between; else all")
    parser.add_argument("--again", help="systems to fill anew")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold", type=int, default=1, help="how many rounds in new processes")
    parser.add_argument("--patience", type=float, default=15.0, help="seconds for one system on one question")
    parser.add_argument("--give-up", type=float, default=60.0, help="seconds after which an answer counts as none")
    parser.add_argument("--out", default=str(_ROOT / "docs" / "benchmarks"), help="where the report is written")
    parser.add_argument("--name", help="of the report's files")
    return parser.parse_args()


def _chosen(wanted: str | None, known: list[str], what: str) -> list[str]:
    if not wanted:
        return known
    found = [each.strip() for each in wanted.split(";" if what == "question" else ",")]
    for name in found:
        if name not in known:
            raise SystemExit(f"there is no {what} `{name}`; there are {', '.join(known)}")
    return found


def _write(place: Path, text: str, figures: Mapping[str, object], picture: str) -> None:
    place.with_suffix(".svg").write_text(picture, encoding="utf-8")
    place.with_suffix(".json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
    place.with_suffix(".md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ingest"]:
        from benchmarks.beside.ingest.command import main as measure_ingest

        measure_ingest(sys.argv[2:])
    else:
        main()

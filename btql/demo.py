"""``make demo``: from nothing to six answers.

It runs the same commands that a user would type, shows each before it runs, and
keeps its files in ``./demo``; running it again begins anew. Then it asks six
questions of one connection, so that the times shown are those of the answers
alone. A query that fails ends the demo with its drawing: nothing here is made up.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import btql
from btql.cli import units
from btql.cli.console import console, described
from btql.cli.formats import draw_table, one_line

FOLDER = Path("demo")
SPANS = FOLDER / "spans.ndjson"
DATABASE = FOLDER / "db"
OBJECT = "project_logs:demo"
SPAN_COUNT = 100_000
WIDTH_IN_A_PIPE = 120


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in one of the languages."""

    title: str
    text: str


SLOW_MODELS = Question(
    "Which models are slowest, by the 95th percentile?",
    """\
from: project_logs('demo')
| dimensions: metadata.model
| measures: count(1) as calls,
    avg(metrics.end - metrics.start) as mean,
    percentile(metrics.end - metrics.start, 0.95) as p95
| filter: span_attributes.type = 'llm'
| sort: p95 desc
| limit: 5""",
)

ERROR_RATE = Question(
    "When did things go wrong: which hours have the highest error rate?",
    """\
SELECT hour(created) AS hour, count(1) AS spans, count(error) AS errors, count(error) / count(1) AS error_rate
FROM project_logs('demo')
GROUP BY 1
ORDER BY error_rate DESC
LIMIT 5""",
)

PHRASE = Question(
    "Who asked about something over the rainbow? (a phrase, anywhere inside of the prompts)",
    """\
select: created, span_attributes.name, metadata.user_id, input
| from: project_logs('demo')
| filter: input MATCH 'over the rainbow'
| sort: created desc
| limit: 5""",
)

WORST_SCORES = Question(
    "Which answers were judged worst?",
    """\
select: scores.Factuality, span_attributes.name, created, root_span_id
| from: project_logs('demo')
| filter: scores.Factuality is not null
| sort: scores.Factuality, created
| limit: 5""",
)

COST_BY_USER = Question(
    "Who costs most?",
    """\
SELECT metadata.user_id AS user, count(1) AS calls, sum(metrics.tokens) AS tokens, sum(metrics.estimated_cost) AS cost
FROM project_logs('demo')
WHERE metrics.estimated_cost IS NOT NULL
GROUP BY 1
ORDER BY cost DESC
LIMIT 5""",
)

TRACES = """\
from: project_logs('demo')
| dimensions: root_span_id
| measures: count(1) as spans, count(error) as errors
| sort: errors desc, spans
| limit: 500"""

TRACE_COLUMNS = "span_id, span_parents, span_attributes.name, span_attributes.type, metrics.start, metrics.end, error"


def main() -> int:
    """Run the demo and return its exit code."""
    began = time.perf_counter()
    FOLDER.mkdir(exist_ok=True)
    if DATABASE.exists():
        shutil.rmtree(DATABASE)
    _command("generate", "--profile", "small", "--spans", str(SPAN_COUNT), "--seed", "7", "-o", str(SPANS))
    _command("ingest", str(DATABASE), OBJECT, str(SPANS))
    _command("compact", str(DATABASE))
    _command("status", str(DATABASE))

    with btql.connect(DATABASE, create=False) as connection:
        _ask(connection, 1, SLOW_MODELS)
        _ask(connection, 2, ERROR_RATE)
        _ask(connection, 3, PHRASE)
        _show_trace(connection, 4)
        _ask(connection, 5, WORST_SCORES)
        _ask(connection, 6, COST_BY_USER)
    _say(f"\nThat was all, in {units.duration(time.perf_counter() - began)}. Now ask something yourself:\n", "bold")
    _say(f"    {_btql()} shell {DATABASE}\n", "bold green")
    return 0


def _btql() -> str:
    """Return how the command line is called from here."""
    script = Path(sys.executable).with_name("btql")
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else "btql"


def _command(*words: str) -> None:
    _say(f"\n$ btql {' '.join(words)}", "bold green")
    code = subprocess.run([sys.executable, "-m", "btql.cli", *words], check=False).returncode  # noqa: S603 - our own
    if code:
        raise SystemExit(code)


def _ask(connection: btql.Connection, number: int, question: Question) -> None:
    _heading(number, question)
    began = time.perf_counter()
    rows, remarks = draw_table(connection.query(question.text), _width())
    _answered(rows, began, remarks)


def _show_trace(connection: btql.Connection, number: int) -> None:
    """Find a trace of a size that fits the screen and draw it as the tree it is."""
    root = next(row["root_span_id"] for row in connection.query(TRACES) if 6 <= int(str(row["spans"])) <= 14)
    text = (
        f"select: {TRACE_COLUMNS}\n| from: project_logs('demo') traces\n"
        f"| filter: root_span_id = '{root}'\n| sort: metrics.start"
    )
    _heading(number, Question("What happened in one failing trace, from its root down?", text))
    began = time.perf_counter()
    rows = connection.query(text).rows()
    children: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        parents = row["span_parents"]
        children.setdefault(parents[0] if isinstance(parents, list) and parents else None, []).append(row)
    for row in children.get(None, []):
        _draw_tree(row, children, "", "")
    _answered(len(rows), began, [])


def _width() -> int | None:
    """Return how wide tables may be where there is no terminal to fit into."""
    return None if sys.stdout.isatty() else WIDTH_IN_A_PIPE


def _draw_tree(row: dict[str, object], children: dict[object, list[dict[str, object]]], lead: str, below: str) -> None:
    start, end = row["start"], row["end"]
    took = units.duration(end - start) if isinstance(start, float | int) and isinstance(end, float | int) else "?"
    error = "" if row["error"] is None else f"  ✗ {one_line(row['error'])[:60]}"
    _say(f"{lead}{row['name'] or 'no name'} ({row['type'] or 'no type'}, {took}){error}", "red" if error else "")
    inside = children.get(row["span_id"], [])
    for child in inside:
        last = child is inside[-1]
        _draw_tree(child, children, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))


def _heading(number: int, question: Question) -> None:
    _say(f"\n{number}. {question.title}\n", "bold")
    _say("\n".join(f"    {line}" for line in question.text.splitlines()) + "\n", "cyan")


def _answered(rows: int, began: float, remarks: list[str]) -> None:
    details = [f"{units.plural(rows, 'row')} in {units.duration(time.perf_counter() - began)}"]
    details += [remark for remark in remarks if not remark.startswith("--format")]
    _say("; ".join(details), "dim")


def _say(text: str, style: str) -> None:
    console().print(text, style=style or None, soft_wrap=True)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = described(error)
        if message is None:
            raise
        sys.exit(message)

"""What an experiment came to, and how it did against its base; computed by the engine, a few rows come back.

**Scores.** A trace's score is its mean over all spans of the trace that have it (scorers are spans of their own);
the experiment's is the mean over the traces that have it. Null and missing are no score.

**Metrics** are those of the shape ``summary``, which says what each one means for a trace; the experiment's is the
mean over its traces. Left out are ``start`` and ``end``, which say nothing of an evaluation (``duration`` does), and
what is 0 on both sides. Units: ``s`` for seconds, ``tok`` for tokens, ``$`` for USD, none for
counts and for metrics of one's own.

**Improvements and regressions** count pairs of matching traces. Traces match if they come from the same row of a
dataset (``origin.object_id`` and ``origin.id``) where the two experiments have any such row in common, else if they
have the same input; within experiments that share rows, a trace that comes from none is matched by its input. Both are
compared as canonical JSON, so the number 1 is not the text "1", and a row is no input. Several trials of one case, and
copies of one input, are one case: their mean is compared. More is better in a score, less in a metric. What only one
side has is neither. ``diff`` is the mean here less the mean there, if the base has the score at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias, cast

from msgspec import UNSET, Struct, UnsetType

from btql.database import Database
from btql_planner.clauses.summary_measures import METRICS

What: TypeAlias = Literal["scores", "metrics"]

_UNITS = {
    "duration": "s",
    "llm_duration": "s",
    "time_to_first_token": "s",
    "estimated_cost": "$",
}
_LEFT_OUT = frozenset({"start", "end"})
_SAME = 1e-9
"""Means that differ by less are the same: they were added up in some order."""
_AT_ONCE_MAX = 100
"""How many scores or metrics one query computes."""

_NAMES = "SELECT DISTINCT name FROM experiment('{experiment}') UNPIVOT (value FOR name IN ({what}))"
_MEANS = "SELECT {means} FROM experiment('{experiment}', shape => 'summary')"
_CASES = "SELECT {key} AS case_key, {means} FROM experiment('{experiment}', shape => 'summary') GROUP BY 1"
_PAIRS = "WITH own AS ({own}), base AS ({base}) SELECT {counts} FROM own JOIN base ON own.case_key = base.case_key"
_INPUT = "'input ' || json_text(comparison_key)"
_ROW = "'row ' || json_text([origin.object_id, origin.id])"
_ROW_OR_INPUT = f"CASE WHEN origin.id IS NULL THEN {_INPUT} ELSE {_ROW} END"
_SHARED_ROWS = f"""
SELECT count(*) AS n FROM experiment('{{own}}', shape => 'summary') WHERE origin.id IS NOT NULL
AND {_ROW} IN (SELECT {_ROW} FROM experiment('{{base}}', shape => 'summary') WHERE origin.id IS NOT NULL)
"""  # noqa: S608  our words


class ScoreSummary(Struct):
    """One score of an experiment. SDKs take exactly these keys."""

    name: str
    score: float
    improvements: int
    regressions: int
    diff: float | UnsetType = UNSET


class MetricSummary(Struct):
    """One metric of an experiment. SDKs take exactly these keys."""

    name: str
    metric: float
    unit: str
    improvements: int
    regressions: int
    diff: float | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Comparison:
    """An experiment's scores and metrics."""

    scores: Mapping[str, ScoreSummary]
    metrics: Mapping[str, MetricSummary]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A score or metric, by its means, and how matching cases compare."""

    name: str
    mean: float
    before: float | None
    """In the base."""
    more: int = 0
    less: int = 0

    @property
    def diff(self) -> float | UnsetType:
        """The mean here less the mean there."""
        return UNSET if self.before is None else self.mean - self.before


def compare(database: Database, own: str, base: str | None) -> Comparison:
    """Return what an experiment came to, against a base if there is one; both by their ids."""
    key = "" if base is None else _key(database, own, base)
    scores = {
        each.name: ScoreSummary(each.name, each.mean, each.more, each.less, each.diff)
        for each in _measured(database, "scores", _names(database, "scores", own), own, base, key)
    }
    known = [name for name in METRICS if name not in _LEFT_OUT]
    others = [name for name in _names(database, "metrics", own) if name not in METRICS]
    custom = [name for name in others if not name.startswith("caller_")]
    metrics = {
        each.name: MetricSummary(each.name, each.mean, _unit(each.name), each.less, each.more, each.diff)
        for each in _measured(database, "metrics", [*known, *custom], own, base, key)
        if each.mean or each.before
    }
    return Comparison(scores, metrics)


def _names(database: Database, what: What, experiment: str) -> Sequence[str]:
    rows = database.query(_NAMES.format(experiment=experiment, what=what)).rows()
    return sorted(str(row["name"]) for row in rows)


def _measured(
    database: Database, what: What, names: Sequence[str], own: str, base: str | None, key: str
) -> Iterator[_Measured]:
    """Yield what is known of each score or metric that the experiment has."""
    for start in range(0, len(names), _AT_ONCE_MAX):
        means = _means(database, what, names[start : start + _AT_ONCE_MAX], own)
        before = {} if base is None else _means(database, what, list(means), base)
        pairs = {} if base is None else _pairs(database, what, list(before), own, base, key)
        for name, mean in means.items():
            yield _Measured(name, mean, before.get(name), *pairs.get(name, (0, 0)))


def _means(database: Database, what: What, names: Sequence[str], experiment: str) -> Mapping[str, float]:
    """Return the mean over the traces of whatever has one."""
    if not names:
        return {}
    text = _MEANS.format(means=_averages(what, names), experiment=experiment)
    (row,) = database.query(text).rows()
    found = {name: cast("float | None", row[f"m{index}"]) for index, name in enumerate(names)}
    return {name: mean for name, mean in found.items() if mean is not None and isfinite(mean)}


def _pairs(
    database: Database, what: What, names: Sequence[str], own: str, base: str, key: str
) -> Mapping[str, tuple[int, int]]:
    """Return in how many cases there is more, and in how many less, than in the base."""
    if not names:
        return {}
    means = _averages(what, names)
    counts = ", ".join(
        f"count_if(own.m{index} - base.m{index} > {_SAME}) AS more{index},"
        f" count_if(base.m{index} - own.m{index} > {_SAME}) AS less{index}"
        for index in range(len(names))
    )
    sides = {side: _CASES.format(key=key, means=means, experiment=it) for side, it in (("own", own), ("base", base))}
    (row,) = database.query(_PAIRS.format(counts=counts, **sides)).rows()
    return {
        name: (cast("int", row[f"more{index}"]), cast("int", row[f"less{index}"])) for index, name in enumerate(names)
    }


def _averages(what: What, names: Sequence[str]) -> str:
    # A name in double quotes is written as in JSON.
    paths = (f"{what}.{json.dumps(name, ensure_ascii=False)}" for name in names)
    return ", ".join(f"avg({path}) AS m{index}" for index, path in enumerate(paths))


def _key(database: Database, own: str, base: str) -> str:
    """Return what matching traces have in common: a text that says, too, what kind of key it is."""
    (shared,) = database.query(_SHARED_ROWS.format(own=own, base=base)).rows()
    return _ROW_OR_INPUT if shared["n"] else _INPUT


def _unit(name: str) -> str:
    return _UNITS.get(name, "tok" if name.endswith("_tokens") else "")

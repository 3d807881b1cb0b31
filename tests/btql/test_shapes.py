"""The shapes traces and summary against plain Python, over generated spans in three states of storage."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from oracle.expressions import get, holds
from oracle.model import Document
from oracle.rows import difference, same
from support.generated import STATES, documents, stored

import btql

Rows = list[dict[str, object]]
Condition = Callable[[Document], object]
LOGS = "from: project_logs('demo')"


@pytest.fixture(scope="module", params=STATES)
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with stored(tmp_path_factory.mktemp("shapes") / "db", request.param) as connection:
        yield connection


def traces() -> dict[str, list[Document]]:
    """All spans by trace, newest first, traces in the order of their newest span."""
    found: dict[str, list[Document]] = defaultdict(list)
    for document in documents():
        found[str(document["root_span_id"])].append(document)
    return found


def a_score() -> str:
    """Return the name of a score that some spans have."""
    return min(name for span in documents() for name in (span.get("scores") or {}))  # type: ignore[attr-defined]


def is_(name: str) -> Condition:
    return lambda span: get(span, "span_attributes", "type") == name


def failed(span: Document) -> bool:
    return span.get("error") is not None


def some(spans: Sequence[Document], condition: Condition) -> bool:
    return any(holds(condition(span)) for span in spans)


def ids(rows: Rows) -> list[object]:
    return [row["id"] for row in rows]


FORMULAS: dict[str, Callable[[Sequence[Document]], bool]] = {
    "error is not null": lambda t: some(t, failed),
    "error is not null and span_attributes.type = 'llm'": lambda t: some(t, lambda s: failed(s) and is_("llm")(s)),
    "any_span(error is not null) and any_span(span_attributes.type = 'tool')":
        lambda t: some(t, failed) and some(t, is_("tool")),
    "span_attributes.type = 'score' and any_span(error is not null)":
        lambda t: some(t, is_("score")) and some(t, failed),
    "any_span(error is not null) or any_span(span_attributes.type = 'score')":
        lambda t: some(t, failed) or some(t, is_("score")),
    "not any_span(span_attributes.type = 'score')": lambda t: not some(t, is_("score")),
    "not any_span(error is not null) and (is_root or any_span(span_attributes.type = 'tool'))":
        lambda t: not some(t, failed) and (some(t, lambda s: s["is_root"]) or some(t, is_("tool"))),
    "not (any_span(error is not null) or any_span(span_attributes.type = 'score'))":
        lambda t: not (some(t, failed) or some(t, is_("score"))),
    "any_span(span_attributes.type = 'llm' and any_span(error is not null))":
        lambda t: some(t, lambda s: failed(s) and is_("llm")(s)),
}  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_over_spans_chooses_traces(conn: btql.Connection, formula: str) -> None:
    chosen = {root for root, spans in traces().items() if FORMULAS[formula](spans)}
    expected = [span["id"] for span in documents() if span["root_span_id"] in chosen]

    assert 0 < len(chosen) < len(traces())
    assert ids(conn.query(f"select: id | {LOGS} traces | filter: {formula}").rows()) == expected
    sql = f"SELECT id FROM project_logs('demo', shape => 'traces') WHERE {formula}"
    assert ids(conn.query(sql).rows()) == expected
    summary = conn.query(f"select: root_span_id | {LOGS} summary | filter: {formula}").rows()
    assert {row["root_span_id"] for row in summary} == chosen
    assert len(summary) == len(chosen)


def test_any_span_on_spans_is_about_the_trace_of_the_span(conn: btql.Connection) -> None:
    with_error = {root for root, spans in traces().items() if some(spans, failed)}
    both = [s["id"] for s in documents() if s["root_span_id"] in with_error and is_("llm")(s)]
    either = [s["id"] for s in documents() if s["root_span_id"] in with_error or is_("llm")(s)]

    found = conn.query(f"select: id | {LOGS} | filter: any_span(error is not null) and span_attributes.type = 'llm'")
    assert ids(found.rows()) == both
    found = conn.query(f"select: id | {LOGS} | filter: any_span(error is not null) or span_attributes.type = 'llm'")
    assert ids(found.rows()) == either
    wrapped = conn.query(f"select: id | {LOGS} | filter: filter_spans(span_attributes.type = 'llm')").rows()
    assert ids(wrapped) == [s["id"] for s in documents() if is_("llm")(s)]


@pytest.mark.parametrize(
    "clauses",
    [
        "filter: any_span(error is not null) and filter_spans(span_attributes.type = 'llm')",
        "filter: error is not null | trace_filter: span_attributes.type = 'llm'",
    ],
)
def test_what_is_returned_of_a_trace_can_be_narrowed(conn: btql.Connection, clauses: str) -> None:
    with_error = {root for root, spans in traces().items() if some(spans, failed)}
    expected = [s["id"] for s in documents() if s["root_span_id"] in with_error and is_("llm")(s)]

    assert expected
    assert ids(conn.query(f"select: id | {LOGS} traces | {clauses}").rows()) == expected
    counted = conn.query(
        f"dimensions: span_attributes.type as type | measures: count(1) as n | {LOGS} traces | {clauses}"
    )
    assert counted.rows() == [{"type": "llm", "n": len(expected)}]


def test_filter_spans_alone_keeps_the_traces_that_have_a_match(conn: btql.Connection) -> None:
    expected = [s["id"] for s in documents() if is_("tool")(s)]

    found = conn.query(f"select: id | {LOGS} traces | filter: filter_spans(span_attributes.type = 'tool')")
    assert ids(found.rows()) == expected


def test_span_filter_drops_spans_before_traces_are_chosen(conn: btql.Connection) -> None:
    left = [s for s in documents() if not is_("llm")(s)]
    chosen = {s["root_span_id"] for s in left if failed(s)}
    expected = [s["id"] for s in left if s["root_span_id"] in chosen]

    text = f"select: id | {LOGS} traces | filter: error is not null | span_filter: span_attributes.type != 'llm' or "
    assert expected
    assert ids(conn.query(text + "span_attributes.type is null").rows()) == expected


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (4, 0), (3, 2), (2, 1000), (None, 3)])
def test_limits_count_traces(conn: btql.Connection, limit: int | None, offset: int) -> None:
    roots = list(dict.fromkeys(str(s["root_span_id"]) for s in documents()))
    wanted = roots[offset:][:limit]
    expected = [s["id"] for s in documents() if s["root_span_id"] in wanted]
    cut = (f" LIMIT {limit}" if limit is not None else "") + (f" OFFSET {offset}" if offset else "")

    assert ids(conn.query(f"SELECT id FROM project_logs('demo', shape => 'traces'){cut}").rows()) == expected


def test_another_order_counts_traces_by_their_first_span(conn: btql.Connection) -> None:
    ordered = sorted(documents(), key=lambda s: str(s["id"]))
    wanted = list(dict.fromkeys(s["root_span_id"] for s in ordered))[1:4]
    expected = [s["id"] for s in ordered if s["root_span_id"] in wanted]

    text = "SELECT id FROM project_logs('demo', shape => 'traces') ORDER BY id LIMIT 3 OFFSET 1"
    assert ids(conn.query(text).rows()) == expected


# Summaries.


def own(span: Document) -> bool:
    return get(span, "span_attributes", "purpose") != "scorer"


def numbers(spans: Sequence[Document], *path: str) -> list[float]:
    found = [get(span, *path) for span in spans]
    return [each for each in found if isinstance(each, int | float)]


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def total(values: Sequence[float]) -> float | None:
    return sum(values) if values else None


def root_of(spans: Sequence[Document]) -> Document:
    """Roots first, then the earliest; of the same time the one that was written first."""
    oldest_first = list(reversed(spans))
    return min(oldest_first, key=lambda s: (not s["is_root"], s["created"]))


def metrics_of(spans: Sequence[Document]) -> dict[str, object]:
    counted = [s for s in spans if own(s)]
    llm, tool = [s for s in counted if is_("llm")(s)], [s for s in counted if is_("tool")(s)]
    sums = {name for s in counted for name in (s.get("metrics") or {}) if not name.startswith("caller_")}  # type: ignore[attr-defined]
    found: dict[str, object] = {name: total(numbers(counted, "metrics", name)) for name in sums - {"start", "end"}}
    starts, ends = numbers(counted, "metrics", "start"), numbers(counted, "metrics", "end")
    found["start"], found["end"] = min(starts, default=None), max(ends, default=None)
    found["duration"] = found["end"] - found["start"] if starts and ends else None  # type: ignore[operator]
    tokens = [*numbers(counted, "metrics", "prompt_tokens"), *numbers(counted, "metrics", "completion_tokens")]
    found["total_tokens"] = total(tokens)
    found["time_to_first_token"] = mean(numbers(llm, "metrics", "time_to_first_token"))
    found["llm_duration"] = total(
        [get(s, "metrics", "end") - get(s, "metrics", "start") for s in llm if numbers([s], "metrics", "end")]  # type: ignore[operator]
    )
    found["llm_calls"], found["tool_calls"] = len(llm), len(tool)
    found["llm_errors"], found["tool_errors"] = len(list(filter(failed, llm))), len(list(filter(failed, tool)))
    found["errors"] = len([s for s in (*llm, *tool) if failed(s)])
    return {name: value for name, value in found.items() if value is not None}


def scores_of(spans: Sequence[Document]) -> dict[str, object] | None:
    names = {name for s in spans for name in (s.get("scores") or {})}  # type: ignore[attr-defined]
    found = {name: mean(numbers(spans, "scores", name)) for name in names}
    return {name: value for name, value in found.items() if value is not None} or None


def info_of(spans: Sequence[Document]) -> dict[str, object]:
    llm = [s for s in spans if is_("llm")(s)]
    cached = [s for s in llm if get(s, "metrics", "cached") not in (None, 0)]
    attributes = root_of(spans).get("span_attributes") or {}
    return {**attributes, "cached": bool(llm) and len(cached) == len(llm), "has_error": some(spans, failed)}  # type: ignore[dict-item]


def without_cost(row: dict[str, object]) -> dict[str, object]:
    """Prices are checked where they are known; here what spans say themselves."""
    metrics = row["metrics"]
    assert isinstance(metrics, dict)
    return {**row, "metrics": {name: value for name, value in metrics.items() if name != "estimated_cost"}}


def test_a_summary_has_one_row_for_each_trace(conn: btql.Connection) -> None:
    columns = "root_span_id, id, created, tags, metadata.model, metrics, scores, span_type_info"
    expected: Rows = []
    for root, spans in traces().items():
        top = root_of(spans)
        row = {"root_span_id": root, "id": top["id"], "created": top["created"], "tags": top.get("tags")}
        row |= {"model": get(top, "metadata", "model"), "metrics": metrics_of(spans)}
        row |= {"scores": scores_of(spans), "span_type_info": info_of(spans)}
        expected.append(without_cost(row))

    found = [without_cost(row) for row in conn.query(f"select: {columns} | {LOGS} summary").rows()]

    assert difference(found, expected, in_order=False) is None
    newest = [span["id"] for span in documents()]
    assert ids(found) == sorted(ids(found), key=newest.index)


def test_single_measures_are_those_of_the_whole(conn: btql.Connection) -> None:
    metrics = ("duration", "total_tokens", "errors", "llm_duration", "prompt_tokens", "time_to_first_token")
    chosen = ", ".join(f"metrics.{name} as {name}" for name in metrics)
    score = a_score()
    columns = f'root_span_id, {chosen}, scores."{score}" as score'
    text = f"select: {columns} | {LOGS} summary | sort: metrics.duration desc, root_span_id"
    found = conn.query(text).rows()

    rows = [
        {"root_span_id": root, **{name: metrics_of(spans).get(name) for name in metrics},
         "score": (scores_of(spans) or {}).get(score)}
        for root, spans in traces().items()
    ]  # fmt: skip
    there = [row for row in rows if row["duration"] is not None]
    known = sorted(there, key=lambda r: (-float(str(r["duration"])), str(r["root_span_id"])))
    unknown = sorted((row for row in rows if row["duration"] is None), key=lambda r: str(r["root_span_id"]))
    assert difference(found, [*known, *unknown], in_order=True) is None


def test_previews_are_cut_and_keys_are_not(conn: btql.Connection) -> None:
    for length, clause in ((124, ""), (10, " | preview_length: 10"), (None, " | preview_length: -1")):
        rows = conn.query(f"select: root_span_id, input, metadata as m, comparison_key | {LOGS} summary{clause}").rows()
        for row in rows:
            top = root_of(traces()[str(row["root_span_id"])])
            assert row["comparison_key"] == top.get("input")
            for name, value in (("input", row["input"]), ("metadata", row["m"])):
                whole = top.get(name)
                text = whole if isinstance(whole, str) else json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
                if whole is None or length is None or (len(text) <= length and not isinstance(whole, str)):
                    assert same(value, whole)
                else:
                    assert value == text[:length]


def test_clauses_add_columns(conn: btql.Connection) -> None:
    score = a_score()
    clauses = (
        f'comparison_key: [metadata.app, metadata.region] | weighted_scores: scores."{score}" * 2 as twice'
        " | custom_columns: metadata.app as app, metrics.llm_calls + 1 as more"
    )
    rows = conn.query(f"select: *, scores.twice as twice | {LOGS} summary | {clauses} | preview_length: -1").rows()

    assert len(rows) == len(traces())
    for row in rows:
        spans = traces()[str(row["root_span_id"])]
        top, scores = root_of(spans), scores_of(spans) or {}
        assert row["comparison_key"] == [get(top, "metadata", "app"), get(top, "metadata", "region")]
        assert row["app"] == get(top, "metadata", "app")
        assert row["more"] == metrics_of(spans)["llm_calls"] + 1  # type: ignore[operator]
        twice = scores[score] * 2 if score in scores else None  # type: ignore[operator]
        assert same(row["twice"], twice)
        assert same((row["scores"] or {}).get("twice"), twice)  # type: ignore[attr-defined]


def test_groups_over_summaries_are_groups_of_traces(conn: btql.Connection) -> None:
    text = (
        f"dimensions: metadata.app as app | measures: count(1) as n, max(metrics.llm_calls) as most"
        f" | {LOGS} summary | filter: any_span(span_attributes.type = 'llm') | final_filter: count(1) > 1"
    )
    groups: dict[object, list[int]] = defaultdict(list)
    for spans in traces().values():
        if some(spans, is_("llm")):
            groups[get(root_of(spans), "metadata", "app")].append(metrics_of(spans)["llm_calls"])  # type: ignore[arg-type]
    expected = [{"app": app, "n": len(each), "most": max(each)} for app, each in groups.items() if len(each) > 1]

    assert expected
    assert difference(conn.query(text).rows(), expected, in_order=False) is None


def test_final_filter_sort_and_limit_see_summaries(conn: btql.Connection) -> None:
    text = (
        f"select: root_span_id, metrics.llm_calls as calls | {LOGS} summary | final_filter: calls >= 2"
        " | sort: calls desc, root_span_id | limit: 5 | offset: 1"
    )
    rows = [{"root_span_id": root, "calls": metrics_of(spans)["llm_calls"]} for root, spans in traces().items()]
    rows = sorted((row for row in rows if row["calls"] >= 2), key=lambda r: (-r["calls"], r["root_span_id"]))  # type: ignore[operator]

    assert conn.query(text).rows() == rows[1:6]


def test_a_summary_of_narrowed_traces_is_of_what_is_left(conn: btql.Connection) -> None:
    text = (
        f"select: root_span_id, id, metrics.llm_calls as calls | {LOGS} summary"
        " | filter: filter_spans(span_attributes.type = 'llm')"
    )
    expected: Rows = []
    for root, spans in traces().items():
        left = [s for s in spans if is_("llm")(s)]
        if left:
            expected.append({"root_span_id": root, "id": root_of(left)["id"], "calls": metrics_of(left)["llm_calls"]})

    assert difference(conn.query(text).rows(), expected, in_order=False) is None


# Several objects, and summaries in other places.


def test_traces_of_two_objects_stay_apart(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        for name, error in (("one", None), ("two", "boom")):
            spans = [{"id": f"{name}{n}", "root_span_id": "r", "metrics": {"n": n}} for n in range(3)]
            conn.ingest(f"project_logs:{name}", [*spans, {"id": "r", "error": error}])
        both = "from: project_logs('one', 'two')"

        summary = conn.query(f"select: project_id, metrics.n as n | {both} summary | sort: project_id").rows()
        assert summary == [{"project_id": "one", "n": 3}, {"project_id": "two", "n": 3}]
        for formula in ("error is not null", "any_span(error is not null) or any_span(id = 'none')"):
            found = conn.query(f"select: id | {both} traces | filter: {formula} | sort: id").rows()
            assert ids(found) == ["r", "two0", "two1", "two2"]
        found = conn.query(f"select: id, project_id | {both} traces | limit: 1").rows()
        assert {row["project_id"] for row in found} == {"two"}
        assert len(found) == 4


def test_a_summary_is_a_relation_like_any_other(conn: btql.Connection) -> None:
    summary = "project_logs('demo', shape => 'summary')"
    calls = {root: metrics_of(spans)["llm_calls"] for root, spans in traces().items()}
    names = {s["span_id"]: get(s, "span_attributes", "name") for s in documents()}
    joined = conn.query(
        f"SELECT s.root_span_id AS r, s.metrics.llm_calls AS n, t.span_attributes.name AS name FROM {summary} AS s"
        " JOIN project_logs('demo') AS t ON t.span_id = s.root_span_id WHERE s.metrics.llm_calls > 0"
    ).rows()
    expected: Rows = [{"r": r, "n": n, "name": names[r]} for r, n in calls.items() if n and r in names]
    assert difference(joined, expected, in_order=False) is None

    derived = conn.query(
        f"SELECT max(n) AS most FROM (SELECT metrics.llm_calls AS n FROM {summary} WHERE error IS NOT NULL) AS t"
    ).rows()
    most = max(calls[root] for root, spans in traces().items() if some(spans, failed))  # type: ignore[type-var]
    assert derived == [{"most": most}]


def test_names_of_summaries(conn: btql.Connection) -> None:
    result = conn.query(f"select: llm_calls, duration, app | {LOGS} summary | sort: root_span_id")
    plain = conn.query(
        f"select: metrics.llm_calls, metrics.duration, metadata.app | {LOGS} summary | sort: root_span_id"
    )
    assert result.rows() == plain.rows()
    alias = conn.query("SELECT t.id FROM project_logs('demo', shape => 'summary') AS t WHERE t.is_root AND t.id > ''")
    assert alias.rows()


def test_a_filter_on_what_only_summaries_have_warns(conn: btql.Connection) -> None:
    result = conn.query(f"select: id | {LOGS} summary | filter: metrics.llm_calls > 1")

    assert result.rows() == []
    (warning,) = result.warnings
    assert "no span has `metrics.llm_calls`" in warning
    assert "`final_filter:`" in warning


@pytest.mark.parametrize("compact", [False, True])
def test_a_summary_of_more_keys_than_have_columns(tmp_path: Path, compact: bool) -> None:
    with btql.connect(tmp_path / "db") as conn:
        spans = [
            {"id": f"{n}", "root_span_id": "r", "scores": {f"s{n}": 0.5, "all": 1}, "metrics": {f"m{n}": n, "all": 2}}
            for n in range(6_000)
        ]
        conn.ingest("project_logs:demo", spans)
        if compact:
            conn.compact()
        (row,) = conn.query(f"select: scores, metrics, scores.s7 as s7, metrics.m7 as m7 | {LOGS} summary").rows()

        scores, metrics = row["scores"], row["metrics"]
        assert isinstance(scores, dict)
        assert isinstance(metrics, dict)
        assert scores == {**{f"s{n}": 0.5 for n in range(6_000)}, "all": 1}
        own_metrics = {name: value for name, value in metrics.items() if name.startswith("m") or name == "all"}
        assert own_metrics == {**{f"m{n}": n for n in range(6_000)}, "all": 12_000}
        assert (row["s7"], row["m7"]) == (0.5, 7)


@pytest.mark.parametrize(
    "clauses",
    [
        "",
        " | filter: any_span(error is not null)",
        " | final_filter: is_root and created > '2026-01-01'",
        " | sort: id",
    ],
)
def test_a_page_of_summaries_is_a_part_of_all(conn: btql.Connection, clauses: str) -> None:
    text = f"select: root_span_id, metrics, scores, span_type_info | {LOGS} summary{clauses}"
    whole = conn.query(text).rows()

    assert len(whole) > 5
    for limit, offset in ((3, 0), (2, 2), (1000, 1)):
        page = conn.query(f"{text} | limit: {limit} | offset: {offset}").rows()
        assert difference(page, whole[offset : offset + limit], in_order=True) is None
        slowly = conn._database.query(f"{text} | limit: {limit} | offset: {offset}", {"limit_summaries"}).rows()
        assert difference(page, slowly, in_order=True) is None


def test_costs_and_caches_are_added_up(tmp_path: Path) -> None:
    def llm(number: int, **metrics: object) -> dict[str, object]:
        return {"id": f"l{number}", "root_span_id": "r", "span_attributes": {"type": "llm"}, "metrics": metrics}

    scorer = {
        "id": "s",
        "root_span_id": "r",
        "span_attributes": {"type": "llm", "purpose": "scorer"},
        "scores": {"x": 1},
    }
    with btql.connect(tmp_path / "db") as conn:
        calls = [llm(1, estimated_cost=0.25, cached=1), llm(2, estimated_cost=0.5, cached=1)]
        conn.ingest(
            "project_logs:demo", [{"id": "r"}, *calls, {**scorer, "metrics": {"estimated_cost": 8, "cached": 1}}]
        )
        columns = (
            "metrics.estimated_cost as cost, metrics.llm_calls as calls, scores.x as x, span_type_info.cached as c"
        )
        assert conn.query(f"select: {columns} | {LOGS} summary").rows() == [
            {"cost": 0.75, "calls": 2, "x": 1.0, "c": True}
        ]
        conn.ingest("project_logs:demo", [llm(3)])
        (row,) = conn.query(f"select: {columns} | {LOGS} summary").rows()
        assert (row["calls"], row["c"]) == (3, False)

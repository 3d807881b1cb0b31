"""Questions about many rows at once: dimensions, measures, and whole traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from btql_conformance.operators import match
from oracle.expressions import (
    add,
    and_,
    avg,
    count,
    count_distinct,
    count_if,
    date_trunc,
    div,
    eq,
    ge,
    get,
    gt,
    if_,
    is_in,
    like,
    max_,
    min_,
    mul,
    percentile,
    sub,
    sum_,
)
from oracle.model import Document
from oracle.pair import Corpus, Pair
from oracle.queries_filter import kind, model, tokens, took, value
from oracle.rows import Difference, Row, grouped, ids, ordered, select, where, whole_traces

Documents = Sequence[Document]


def each(path: Callable[[Document], object]) -> Callable[[Documents], list[object]]:
    """Return a function that evaluates an expression on each document of a group."""
    return lambda documents: [path(document) for document in documents]


def _llm(corpus: Corpus) -> list[Document]:
    return where(corpus.documents, lambda d: eq(kind(d), "llm"))


def _check_limited_traces(corpus: Corpus, found: Sequence[Row]) -> Difference | None:
    """Which of the traces come is open; there must be three whole ones with a matching span."""
    traces = {row["root_span_id"] for row in found}
    if len(traces) != 3:
        return Difference(f"{len(traces)} traces instead of 3")
    expected = {document["id"] for document in corpus.documents if document["root_span_id"] in traces}
    if {row["id"] for row in found} != expected or len(found) != len(expected):
        return Difference(f"{len(found)} spans instead of the {len(expected)} of these traces")
    failed = where(corpus.documents, lambda d: and_(d.get("error") is not None, d["root_span_id"] in traces))
    if {document["root_span_id"] for document in failed} != traces:
        return Difference("a trace without any error")
    return None


AGGREGATES = [
    Pair(
        "all aggregates at once",
        """measures: count(*) as everything, count(1) as ones, count(error) as errors,
                     count_distinct(metadata.user_id) as users, sum(metrics.tokens) as tokens,
                     avg(metrics.tokens) as mean, min(metrics.tokens) as least, max(metrics.tokens) as most,
                     percentile(metrics.tokens, 0.9) as p90, count_if(metrics.tokens > 500) as large
           | from: project_logs('demo')""",
        """SELECT count(*) AS everything, count(1) AS ones, count(error) AS errors,
                  count(DISTINCT metadata.user_id) AS users, sum(metrics.tokens) AS tokens, avg(metrics.tokens) AS mean,
                  min(metrics.tokens) AS least, max(metrics.tokens) AS most, percentile(metrics.tokens, 0.9) AS p90,
                  count_if(metrics.tokens > 500) AS large
           FROM project_logs('demo')""",
        lambda corpus: grouped(
            corpus.documents,
            {},
            {
                "everything": len,
                "ones": len,
                "errors": lambda g: count(each(lambda d: d.get("error"))(g)),
                "users": lambda g: count_distinct(each(lambda d: get(d, "metadata", "user_id"))(g)),
                "tokens": lambda g: sum_(each(tokens)(g)),
                "mean": lambda g: avg(each(tokens)(g)),
                "least": lambda g: min_(each(tokens)(g)),
                "most": lambda g: max_(each(tokens)(g)),
                "p90": lambda g: percentile(each(tokens)(g), 0.9),
                "large": lambda g: count_if(each(lambda d: gt(tokens(d), 500))(g)),
            },
        ),
    ),
    Pair(
        "aggregates of nothing",
        """measures: count(1) as n, sum(metrics.tokens) as total, avg(metrics.tokens) as mean, min(created) as begin,
                     percentile(metrics.tokens, 0.5) as middle, count_distinct(id) as different,
                     count_if(is_root) as roots
           | from: project_logs('demo') | filter: metadata.model = 'no such model'""",
        """SELECT count(1) AS n, sum(metrics.tokens) AS total, avg(metrics.tokens) AS mean, min(created) AS begin,
                  percentile(metrics.tokens, 0.5) AS middle, count(DISTINCT id) AS different, count_if(is_root) AS roots
           FROM project_logs('demo') WHERE metadata.model = 'no such model'""",
        lambda _: [{"n": 0, "total": None, "mean": None, "begin": None, "middle": None, "different": 0, "roots": 0}],
    ),
    Pair(
        "groups of nothing",
        """dimensions: metadata.model as model | measures: count(1) as n
           | from: project_logs('demo') | filter: metadata.model = 'no such model'""",
        """SELECT metadata.model AS model, count(1) AS n FROM project_logs('demo')
           WHERE metadata.model = 'no such model' GROUP BY metadata.model""",
        lambda _: [],
    ),
    Pair(
        "slowest models",
        """
        from: project_logs('demo')
        filter: span_attributes.type = 'llm'
        dimensions: metadata.model as model
        measures: count(1) as calls, percentile(metrics.end - metrics.start, 0.5) as p50,
                  percentile(metrics.end - metrics.start, 0.95) as p95
        sort: p95 desc
        limit: 5
        """,
        """
        SELECT metadata.model AS model, count(1) AS calls, percentile(metrics.end - metrics.start, 0.5) AS p50,
               percentile(metrics.end - metrics.start, 0.95) AS p95
        FROM project_logs('demo') WHERE span_attributes.type = 'llm'
        GROUP BY metadata.model ORDER BY p95 DESC LIMIT 5
        """,
        lambda corpus: ordered(
            grouped(
                _llm(corpus),
                {"model": model},
                {
                    "calls": len,
                    "p50": lambda g: percentile(each(took)(g), 0.5),
                    "p95": lambda g: percentile(each(took)(g), 0.95),
                },
            ),
            "-p95",
        )[:5],
        in_order=True,
    ),
    Pair(
        "percentiles",
        """dimensions: span_attributes.type as type
           | measures: percentile(metrics.end - metrics.start, 0) as p0,
                       percentile(metrics.end - metrics.start, 0.25) as p25,
                       percentile(metrics.end - metrics.start, 0.99) as p99,
                       percentile(metrics.end - metrics.start, 1) as p100
           | from: project_logs('demo')""",
        """SELECT span_attributes.type AS type, percentile(metrics.end - metrics.start, 0) AS p0,
                  percentile(metrics.end - metrics.start, 0.25) AS p25,
                  percentile(metrics.end - metrics.start, 0.99) AS p99,
                  percentile(metrics.end - metrics.start, 1) AS p100
           FROM project_logs('demo') GROUP BY span_attributes.type""",
        lambda corpus: grouped(
            corpus.documents,
            {"type": kind},
            {
                "p0": lambda g: percentile(each(took)(g), 0),
                "p25": lambda g: percentile(each(took)(g), 0.25),
                "p99": lambda g: percentile(each(took)(g), 0.99),
                "p100": lambda g: percentile(each(took)(g), 1),
            },
        ),
    ),
    Pair(
        "error rate by hour",
        """dimensions: hour(created) as hour | measures: count(error) / count(1) as rate, count(error) as errors
           | from: project_logs('demo') | sort: hour""",
        """SELECT hour(created) AS hour, count(error) / count(1) AS rate, count(error) AS errors
           FROM project_logs('demo') GROUP BY hour(created) ORDER BY hour""",
        lambda corpus: ordered(
            grouped(
                corpus.documents,
                {"hour": lambda d: date_trunc("hour", d["created"])},
                {
                    "rate": lambda g: div(count(each(lambda d: d.get("error"))(g)), len(g)),
                    "errors": lambda g: count(each(lambda d: d.get("error"))(g)),
                },
            ),
            "hour",
        ),
        in_order=True,
    ),
    Pair(
        "tokens and cost by user",
        """dimensions: metadata.user_id as who
           | measures: sum(metrics.tokens) as tokens, sum(metrics.estimated_cost) as cost
           | from: project_logs('demo') | filter: span_attributes.type = 'llm' | sort: cost desc, who | limit: 10""",
        """SELECT metadata.user_id AS who, sum(metrics.tokens) AS tokens, sum(metrics.estimated_cost) AS cost
           FROM project_logs('demo') WHERE span_attributes.type = 'llm' GROUP BY 1 ORDER BY cost DESC, who LIMIT 10""",
        lambda corpus: ordered(
            grouped(
                _llm(corpus),
                {"who": lambda d: get(d, "metadata", "user_id")},
                {
                    "tokens": lambda g: sum_(each(tokens)(g)),
                    "cost": lambda g: sum_(each(lambda d: get(d, "metrics", "estimated_cost"))(g)),
                },
            ),
            "-cost",
            "who",
        )[:10],
        in_order=True,
    ),
    Pair(
        "groups with a condition",
        """dimensions: metadata.model as model | measures: count(1) as n, avg(metrics.tokens) as mean
           | from: project_logs('demo') | final_filter: n > 100 and model IS NOT NULL | sort: n desc, model""",
        """SELECT metadata.model AS model, count(1) AS n, avg(metrics.tokens) AS mean FROM project_logs('demo')
           GROUP BY metadata.model HAVING count(1) > 100 AND model IS NOT NULL ORDER BY n DESC, model""",
        lambda corpus: ordered(
            [
                row
                for row in grouped(
                    corpus.documents, {"model": model}, {"n": len, "mean": lambda g: avg(each(tokens)(g))}
                )
                if and_(gt(row["n"], 100), row["model"] is not None)
            ],
            "-n",
            "model",
        ),
        in_order=True,
    ),
    Pair(
        "two dimensions, null is a group",
        """dimensions: span_attributes.type as type, metadata.model as model | measures: count(1) as n
           | from: project_logs('demo')""",
        """SELECT span_attributes.type AS type, metadata.model AS model, count(1) AS n
           FROM project_logs('demo') GROUP BY 1, 2""",
        lambda corpus: grouped(corpus.documents, {"type": kind, "model": model}, {"n": len}),
    ),
    Pair(
        "1, '1' and true are three groups",
        """dimensions: metadata.value as value | measures: count(1) as n
           | from: project_logs('demo') | filter: metadata.value = 1 or metadata.value = true""",
        """SELECT metadata.value AS value, count(1) AS n FROM project_logs('demo')
           WHERE metadata.value = 1 OR metadata.value = true GROUP BY metadata.value""",
        lambda corpus: grouped(
            [d for d in corpus.documents if eq(value(d), 1) or eq(value(d), True)], {"value": value}, {"n": len}
        ),
    ),
    Pair(
        "groups of every type",
        "dimensions: metadata.value as value | measures: count(1) as n | from: project_logs('demo')",
        "SELECT metadata.value AS value, count(1) AS n FROM project_logs('demo') GROUP BY metadata.value",
        lambda corpus: grouped(corpus.documents, {"value": value}, {"n": len}),
    ),
    Pair(
        "different values of every type",
        """measures: count_distinct(metadata.value) as different, count(metadata.value) as present
           | from: project_logs('demo')""",
        """SELECT count(DISTINCT metadata.value) AS different, count(metadata.value) AS present
           FROM project_logs('demo')""",
        lambda corpus: grouped(
            corpus.documents,
            {},
            {
                "different": lambda g: count_distinct(each(value)(g)),
                "present": lambda g: count(each(value)(g)),
            },
        ),
    ),
    Pair(
        "sums over mixed types",
        "measures: sum(metadata.value) as total, avg(metadata.value) as mean | from: project_logs('demo')",
        "SELECT sum(metadata.value) AS total, avg(metadata.value) AS mean FROM project_logs('demo')",
        lambda corpus: grouped(
            corpus.documents,
            {},
            {"total": lambda g: sum_(each(value)(g)), "mean": lambda g: avg(each(value)(g))},
        ),
    ),
    Pair(
        "booleans in aggregates",
        """measures: sum(is_root) as roots, avg(error IS NOT NULL) as failing, sum(metrics.tokens > 500) as large,
                     avg(scores.Factuality > 0.5 ? 1 : 0) as factual, count(metrics.tokens > 500 ? 1 : null) as counted
           | from: project_logs('demo')""",
        """SELECT sum(is_root) AS roots, avg(error IS NOT NULL) AS failing, sum(metrics.tokens > 500) AS large,
                  avg(CASE WHEN scores.Factuality > 0.5 THEN 1 ELSE 0 END) AS factual,
                  count(CASE WHEN metrics.tokens > 500 THEN 1 END) AS counted
           FROM project_logs('demo')""",
        lambda corpus: grouped(
            corpus.documents,
            {},
            {
                "roots": lambda g: sum_(each(lambda d: d["is_root"])(g)),
                "failing": lambda g: avg(each(lambda d: d.get("error") is not None)(g)),
                "large": lambda g: sum_(each(lambda d: gt(tokens(d), 500))(g)),
                "factual": lambda g: avg(each(lambda d: if_(gt(get(d, "scores", "Factuality"), 0.5), 1, 0))(g)),
                "counted": lambda g: count_if(each(lambda d: gt(tokens(d), 500))(g)),
            },
        ),
    ),
    Pair(
        "extremes of texts and times",
        """dimensions: metadata.region as region
           | measures: min(metadata.user_id) as first, max(metadata.user_id) as last, min(created) as begin,
                       max(created) as end
           | from: project_logs('demo') | filter: is_root""",
        """SELECT metadata.region AS region, min(metadata.user_id) AS first, max(metadata.user_id) AS last,
                  min(created) AS begin, max(created) AS end
           FROM project_logs('demo') WHERE is_root GROUP BY metadata.region""",
        lambda corpus: grouped(
            where(corpus.documents, lambda d: d["is_root"]),
            {"region": lambda d: get(d, "metadata", "region")},
            {
                "first": lambda g: min_(each(lambda d: get(d, "metadata", "user_id"))(g)),
                "last": lambda g: max_(each(lambda d: get(d, "metadata", "user_id"))(g)),
                "begin": lambda g: min_(each(lambda d: d["created"])(g)),
                "end": lambda g: max_(each(lambda d: d["created"])(g)),
            },
        ),
    ),
    Pair(
        "scores by day and model",
        """dimensions: day(created) as day, span_attributes.name as name
           | measures: avg(scores.Factuality) as factuality, avg(scores."Answer non-empty") as present,
                       min(scores.Relevance) as worst, count(scores.Toxicity) as judged
           | from: project_logs('demo') | filter: scores IS NOT NULL | sort: day desc, name""",
        """SELECT day(created) AS day, span_attributes.name AS name, avg(scores.Factuality) AS factuality,
                  avg(scores."Answer non-empty") AS present, min(scores.Relevance) AS worst,
                  count(scores.Toxicity) AS judged
           FROM project_logs('demo') WHERE scores IS NOT NULL GROUP BY 1, 2 ORDER BY 1 DESC, 2""",
        lambda corpus: ordered(
            grouped(
                where(corpus.documents, lambda d: d.get("scores") is not None),
                {
                    "day": lambda d: date_trunc("day", d["created"]),
                    "name": lambda d: get(d, "span_attributes", "name"),
                },
                {
                    "factuality": lambda g: avg(each(lambda d: get(d, "scores", "Factuality"))(g)),
                    "present": lambda g: avg(each(lambda d: get(d, "scores", "Answer non-empty"))(g)),
                    "worst": lambda g: min_(each(lambda d: get(d, "scores", "Relevance"))(g)),
                    "judged": lambda g: count(each(lambda d: get(d, "scores", "Toxicity"))(g)),
                },
            ),
            "-day",
            "name",
        ),
        in_order=True,
    ),
    Pair(
        "grouped by conditions and expressions",
        """dimensions: metadata.model LIKE 'gpt%' as openai, metrics.tokens % 3 as rest, is_root as root
           | measures: count(1) as n, sum(metrics.prompt_tokens) + sum(metrics.completion_tokens) as tokens,
                       sum(metrics.tokens * 2) / count(1) as mean
           | from: project_logs('demo')""",
        """SELECT metadata.model LIKE 'gpt%' AS openai, metrics.tokens % 3 AS rest, is_root AS root, count(1) AS n,
                  sum(metrics.prompt_tokens) + sum(metrics.completion_tokens) AS tokens,
                  sum(metrics.tokens * 2) / count(1) AS mean
           FROM project_logs('demo') GROUP BY 1, 2, 3""",
        lambda corpus: grouped(
            corpus.documents,
            {
                "openai": lambda d: like(model(d), "gpt%"),
                "rest": lambda d: None if tokens(d) is None else int(str(tokens(d))) % 3,
                "root": lambda d: d["is_root"],
            },
            {
                "n": len,
                "tokens": lambda g: add(
                    sum_(each(lambda d: get(d, "metrics", "prompt_tokens"))(g)),
                    sum_(each(lambda d: get(d, "metrics", "completion_tokens"))(g)),
                ),
                "mean": lambda g: div(sum_(each(lambda d: mul(tokens(d), 2))(g)), len(g)),
            },
        ),
    ),
    Pair(
        "spans found by phrase, by type",
        """dimensions: span_attributes.type as type | measures: count(1) as n
           | from: project_logs('demo') | filter: input MATCH 'rainbow' | sort: n desc, type""",
        """SELECT span_attributes.type AS type, count(1) AS n FROM project_logs('demo')
           WHERE input MATCH 'rainbow' GROUP BY type ORDER BY n DESC, type""",
        lambda corpus: ordered(
            grouped(where(corpus.documents, lambda d: match(d.get("input"), "rainbow")), {"type": kind}, {"n": len}),
            "-n",
            "type",
        ),
        in_order=True,
    ),
    Pair(
        "spans of each trace",
        """dimensions: root_span_id as trace | measures: count(1) as spans,
                     max(metrics.end) - min(metrics.start) as took, sum(metrics.tokens) as tokens,
                     count(error) as errors
           | from: project_logs('demo') | sort: spans desc, trace | limit: 40""",
        """SELECT root_span_id AS trace, count(1) AS spans, max(metrics.end) - min(metrics.start) AS took,
                  sum(metrics.tokens) AS tokens, count(error) AS errors
           FROM project_logs('demo') GROUP BY root_span_id ORDER BY spans DESC, trace LIMIT 40""",
        lambda corpus: ordered(
            grouped(
                corpus.documents,
                {"trace": lambda d: d["root_span_id"]},
                {
                    "spans": len,
                    "took": lambda g: sub(
                        max_(each(lambda d: get(d, "metrics", "end"))(g)),
                        min_(each(lambda d: get(d, "metrics", "start"))(g)),
                    ),
                    "tokens": lambda g: sum_(each(tokens)(g)),
                    "errors": lambda g: count(each(lambda d: d.get("error"))(g)),
                },
            ),
            "-spans",
            "trace",
        )[:40],
        in_order=True,
    ),
]

TRACES = [
    Pair(
        "traces with an error",
        "select: id | from: project_logs('demo') traces | filter: error IS NOT NULL",
        "SELECT id FROM project_logs('demo', shape => 'traces') WHERE error IS NOT NULL",
        lambda corpus: ids(whole_traces(corpus.documents, lambda d: d.get("error") is not None)),
    ),
    Pair(
        "both conditions on one span",
        """select: id, root_span_id | from: project_logs('demo') traces
           | filter: metadata.model = 'gpt-5' and metrics.tokens > 600""",
        """SELECT id, root_span_id FROM project_logs('demo', shape => 'traces')
           WHERE metadata.model = 'gpt-5' AND metrics.tokens > 600""",
        lambda corpus: select(
            whole_traces(corpus.documents, lambda d: and_(eq(model(d), "gpt-5"), gt(tokens(d), 600))),
            {"id": lambda d: d["id"], "root_span_id": lambda d: d["root_span_id"]},
        ),
    ),
    Pair(
        "one trace as a tree",
        """select: span_id, span_parents, created, span_attributes.name as name, input, output
           | from: project_logs('demo') traces | filter: root_span_id = '{trace}' | sort: created, span_id""",
        """SELECT span_id, span_parents, created, span_attributes.name AS name, input, output
           FROM project_logs('demo', shape => 'traces') WHERE root_span_id = '{trace}' ORDER BY created, span_id""",
        lambda corpus: ordered(
            select(
                where(corpus.documents, lambda d: eq(d["root_span_id"], corpus.mentioned["trace"])),
                {
                    "span_id": lambda d: d["span_id"],
                    "span_parents": lambda d: d.get("span_parents"),
                    "created": lambda d: d["created"],
                    "name": lambda d: get(d, "span_attributes", "name"),
                    "input": lambda d: d.get("input"),
                    "output": lambda d: d.get("output"),
                },
            ),
            "created",
            "span_id",
        ),
        in_order=True,
    ),
    Pair(
        "traces with a phrase",
        """select: id, is_root
           from: project_logs('demo')
           traces
           filter: input MATCH 'over the rainbow' or output MATCH 'frabjous day'""",
        """SELECT id, is_root FROM project_logs('demo', shape => 'traces')
           WHERE input MATCH 'over the rainbow' OR output MATCH 'frabjous day'""",
        lambda corpus: select(
            whole_traces(
                corpus.documents,
                lambda d: match(d.get("input"), "over the rainbow") or match(d.get("output"), "frabjous day"),
            ),
            {"id": lambda d: d["id"], "is_root": lambda d: d["is_root"]},
        ),
    ),
    Pair(
        "a limit counts traces",
        "select: id, root_span_id | from: project_logs('demo') traces | filter: error IS NOT NULL | limit: 3",
        "SELECT id, root_span_id FROM project_logs('demo', shape => 'traces') WHERE error IS NOT NULL LIMIT 3",
        lambda _: [],
        check=_check_limited_traces,
    ),
    Pair(
        "spans of badly rated traces, by type",
        """dimensions: span_attributes.type as type | measures: count(1) as n, sum(metrics.tokens) as tokens
           | from: project_logs('demo') traces | filter: is_root and scores."User rating" = 0""",
        """SELECT span_attributes.type AS type, count(1) AS n, sum(metrics.tokens) AS tokens
           FROM project_logs('demo', shape => 'traces') WHERE is_root AND scores."User rating" = 0
           GROUP BY span_attributes.type""",
        lambda corpus: grouped(
            whole_traces(corpus.documents, lambda d: and_(d["is_root"], eq(get(d, "scores", "User rating"), 0))),
            {"type": kind},
            {"n": len, "tokens": lambda g: sum_(each(tokens)(g))},
        ),
    ),
    Pair(
        "traces of one day with certain tags",
        """select: id, root_span_id, tags | from: project_logs('demo') traces
           | filter: created >= '2026-11-05' and tags IN ['golden', 'liked']""",
        """SELECT id, root_span_id, tags FROM project_logs('demo', shape => 'traces')
           WHERE created >= '2026-11-05' AND tags IN ('golden', 'liked')""",
        lambda corpus: select(
            whole_traces(
                corpus.documents,
                lambda d: and_(ge(d["created"], "2026-11-05"), is_in(d.get("tags"), ["golden", "liked"])),
            ),
            {"id": lambda d: d["id"], "root_span_id": lambda d: d["root_span_id"], "tags": lambda d: d.get("tags")},
        ),
    ),
]

PAIRS = [*AGGREGATES, *TRACES]

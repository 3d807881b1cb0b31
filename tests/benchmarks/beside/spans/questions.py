"""What is asked of spans, in no system's words."""

from __future__ import annotations

from benchmarks.beside.question import Kind, Question

WHOLE: dict[str, Kind] = {
    "id": "text",
    "_xact_id": "text",
    "_pagination_key": "text",
    "created": "time",
    "span_id": "text",
    "root_span_id": "text",
    "span_parents": "json",
    "tags": "json",
    "input": "json",
    "output": "json",
    "expected": "json",
    "error": "json",
    "scores": "json",
    "metadata": "paths",
    "metrics": "paths",
    "context": "json",
    "span_attributes": "paths",
    "origin": "json",
    "comments": "json",
    "queue": "json",
}
"""A whole row: every field that the generator's spans have."""
TEXT_FIELDS = tuple(name for name, kind in WHOLE.items() if kind == "text")
JSON_FIELDS = tuple(name for name, kind in WHOLE.items() if kind in ("json", "paths"))
FIELDS = ", ".join(WHOLE)
"""All of them, as a statement lists them."""


def _listed(**more: Kind) -> dict[str, Kind]:
    return {"id": "text", "created": "time", **more}


QUESTIONS = (
    Question(
        "newest 100",
        _listed(name="text", model="text", tokens="number"),
        "created",
        "five columns of the newest 100 spans",
    ),
    Question("newest 100 whole", WHOLE, "created", "the newest 100 spans with everything that they hold"),
    Question("one span", WHOLE, about="one whole span by its id"),
    Question("trace of 10", WHOLE, about="all spans of a trace of {spans_10}, whole"),
    Question("trace of 1,000", WHOLE, about="all spans of a trace of {spans_1000}, whole"),
    Question("trace of 10,000", WHOLE, about="all spans of a trace of {spans_10000}, whole"),
    Question(
        "nested path newest 50",
        _listed(user="text"),
        "created",
        "the newest 50 with metadata.release.version = '2.6.2'",
    ),
    Question(
        "user newest 50",
        _listed(name="text"),
        "created",
        "the newest 50 spans of the user with the fewest, {user}",
    ),
    Question("user count", {"n": "number"}, about="how many spans that user has"),
    Question("one session", WHOLE, about="whole spans with one metadata.session_id, which one span has"),
    Question(
        "by model",
        {"model": "text", "n": "number", "tokens": "number", "p95": "number"},
        about="for each metadata.model: how many, average metrics.tokens, exact 95th percentile of end - start",
    ),
    Question("error rate by hour", {"h": "time", "rate": "number"}, about="for each hour: the share with an error"),
    Question("distinct users", {"n": "number"}, about="how many distinct metadata.user_id"),
    Question("rare word", _listed(input="json"), "created", "newest 50 with `zyxomma` in input, with input"),
    Question("common word", _listed(input="json"), "created", "newest 50 with `they` in input, with input"),
    Question("common word count", {"n": "number"}, about="how many have `they` in input"),
    Question("phrase", _listed(input="json"), "created", "newest 50 with `over the rainbow` in input, with input"),
    Question(
        "two fields",
        _listed(input="json", output="json"),
        "created",
        "newest 50 with `zyxomma` in input or `cromulent` in output, with both",
    ),
    Question("fragment", _listed(), "created", "newest 50 whose input has ILIKE '%uokkalop%'"),
    Question("fragment of words", _listed(), "created", "newest 50 whose input has ILIKE '%bow over the hi%'"),
    Question(
        "summary of traces",
        {
            "root_span_id": "text",
            "created": "time",
            "name": "text",
            "tokens": "number",
            "errors": "number",
            "llm_calls": "number",
            "duration": "number",
        },
        "created",
        "for each of the newest 100 traces: root, tokens, errors of models and tools, calls of models, duration",
    ),
    Question(
        "any span",
        {"n": "number"},
        about="how many traces have a span with an error and a span with metadata.model = 'claude-opus-4-1'",
    ),
    Question(
        "scores",
        {"score": "text", "mean": "number", "n": "number"},
        about="for each name of a score: average and count of those with a value",
    ),
    Question("export", WHOLE, about="all of the spans between two times, a fifth or 100,000, whole"),
    Question(
        "trace list",
        _listed(name="text", _pagination_key="text"),
        about="all root spans, newest first, in pages of 1,000 by a cursor",
    ),
)

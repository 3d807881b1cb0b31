"""Who and what appears in the traces: models, users, applications, tools, tags, odd names.

Fragments of JSON that many spans share are prepared here once, as bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import orjson

from btql.generate.profile import log_normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from btql.generate.dice import Dice


@dataclass(frozen=True, slots=True)
class Model:
    """A language model: what it costs and how long it takes."""

    name: str
    provider: str
    latencies_ms: Sequence[int]
    """Quantiles of the time of one call."""
    prompt_price: float
    """Dollars per million tokens of the prompt."""
    completion_price: float
    """Dollars per million tokens of the answer."""
    settings: tuple[bytes, ...]
    """Metadata of a call, without the outer braces, in several variants."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A choice between places, each with its weight."""

    totals: tuple[int, ...]

    @classmethod
    def of(cls, weights: Iterable[int]) -> Weighted:
        """Return the choice with these weights."""
        return cls(tuple(accumulate(weights)))

    def draw(self, dice: Dice) -> int:
        """Draw a place, counted from 0."""
        return bisect_right(self.totals, int(dice.unit() * self.totals[-1]))


def _model(name: str, provider: str, median_ms: int, sigma: float, prices: tuple[float, float]) -> Model:
    settings = [
        {"model": name, "provider": provider, "temperature": temperature, "max_tokens": max_tokens, **extra}
        for temperature, max_tokens, extra in (
            (0, 1024, {}),
            (0.2, 2048, {"stream": True}),
            (0.7, 4096, {"stream": False, "top_p": 0.95}),
            (1.0, 1024, {"stop_sequences": ["\n\n", "END"]}),
            (1, 16384, {"response_format": {"type": "json_schema", "strict": True}}),
        )
    ]
    fragments = tuple(orjson.dumps(setting)[1:-1] for setting in settings)
    return Model(name, provider, log_normal(median_ms, sigma, 512), *prices, fragments)


MODELS = (
    _model("gpt-5-mini", "openai", 900, 0.5, (0.25, 2.0)),
    _model("gpt-5", "openai", 2600, 0.6, (1.25, 10.0)),
    _model("claude-sonnet-4-5", "anthropic", 1900, 0.55, (3.0, 15.0)),
    _model("claude-opus-4-1", "anthropic", 4200, 0.7, (15.0, 75.0)),
    _model("gemini-2.5-flash", "google", 600, 0.45, (0.3, 2.5)),
    _model("gemini-2.5-pro", "google", 3100, 0.6, (1.25, 10.0)),
    _model("mistral-large", "mistral", 1500, 0.8, (2.0, 6.0)),
    # Not slow at the median, but by far the slowest at p95.
    _model("llama-3.3-70b", "self-hosted", 1100, 1.9, (0.0, 0.0)),
)
MODEL_WEIGHTS = Weighted.of((30, 14, 20, 5, 15, 6, 6, 4))

USERS = tuple(
    f"{name}{number}"
    for number in range(1, 26)
    for name in ("amara", "björn", "chen", "dana", "elif", "farid", "grace", "小林")
)
USER_WEIGHTS = Weighted.of(10**6 // (rank + 2) for rank in range(len(USERS)))
"""A few users make most of the traces, as everywhere."""

APPS = ("support-chat", "code-review", "search", "billing agent", "onboarding", "data-pipeline", "playground")
REGIONS = ("us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-south-1", "ap-northeast-1")
TENURES = ("new", "regular", "veteran")
RELEASES = tuple(
    orjson.dumps({"release": {"version": f"2.{minor}.{minor % 4}", "build": 4000 + 17 * minor}})[1:-1]
    for minor in range(12)
)
FLAGS = tuple(
    orjson.dumps({"flags": flags})[1:-1]
    for flags in ({"beta": True, "shadow mode": False}, {"beta": False}, {"beta": True, "limits": {"rpm": 60}}, {})
)

TOOLS = ("search_docs", "get_weather", "run_sql", "fetch url", "calculator", "send_email", "read_file", "vector_lookup")
FUNCTIONS = ("planner", "retriever", "summarizer", "router", "guardrail", "reranker")
SCORERS = ("Factuality", "Answer non-empty", "Toxicity", "json.valid", "Relevance")
STEPS = tuple(
    orjson.dumps(steps)
    for steps in (
        ["planner", "router", "retriever"],
        ["router", "planner"],
        ["retriever", "reranker", "summarizer", "guardrail"],
        ["planner", "router"],
        ["guardrail"],
        [],
    )
)
"""``output.steps`` of function spans: ``output.steps[1] = 'router'`` finds a third of them."""

TAGS = ("triage", "reviewed", "golden", "value-added", "prod", "beta", "needs review", "größer", "重要")
FEEDBACK_TAGS = ("liked", "disliked", "triage", "regression")

CONTEXTS = tuple(
    orjson.dumps(
        {
            "caller_functionname": f"{name}_{number}",
            "caller_filename": f"/srv/app/{name}/steps.py",
            "caller_lineno": 12 + 37 * number,
        }
    )
    for name in ("agent", "tools", "chat")
    for number in range(8)
)

VARYING = tuple(
    orjson.dumps(value)
    for value in (
        1, "1", True, None, [1, 2, "x"], {"a": 1, "b": {"c": "deep"}}, 1.5, "abc", 10, "10", False, -3, 0, "",
        "2.50", [], {}, 250, "Zebra", 0.1, ["a", ["nested", None]], {"a": "1"}, 1, "1", True, 3.25, "ünïcode",
    )
)  # fmt: skip
"""``metadata.value``: the path whose type changes from row to row."""

ODD_NAMES = tuple(
    orjson.dumps(item)[1:-1]
    for item in (
        {"user name": "with a space"},
        {"a.b": 7, "a": {"b": 8}},
        {'say "hi"': True},
        {"": "the empty key"},
        {"back\\slash": 1.25},
        {"ключ": "значение", "鍵": {"値": 3}},
        {"tab\there": "control"},
        {"#hash": 1, "per cent%": 50},
        {"select": "a keyword", "limit": 3, "null": None},
        {"0": "a digit", "-1": [0, -1]},
        {"it's": "a quote", "emoji 🚀": "launch"},
        {"": {"": {"": 5}}},
    )
)
"""Metadata names that quoting, splitting and escaping get wrong most easily."""

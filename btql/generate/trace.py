"""The plan of one trace: which spans, under which parent, when, how large, failing or not.

A trace is an agent at work. The root is a task; below it calls of a language
model take turns with tools; now and then a function is opened and works as an
agent of its own, so that the tree is two to five levels deep; scorers judge at the end of a turn.
Time runs on span by span, and a span with children ends after its last child.

Sizes are drawn first and then laid out so that the calls of one conversation grow
and every call can repeat the one before it. A profile says in which of two ways:

- each run of model calls gets its sizes in ascending order, which leaves their
  distribution as it is, but makes most of what the largest call says new;
- each call adds about as much as any other (``calls_hold_conversations``), as where an
  agent works on until it is done. The sum of a run stays as drawn. The other spans say
  a message or two: most of what they were drawn beyond that goes to the calls around them.

A plan holds no text. Text is rendered when an event is due (``events``), so a
trace of 10,000 spans needs memory for its plan and not for its documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate
from typing import TYPE_CHECKING

from btql.generate.cast import MODEL_WEIGHTS, MODELS
from btql.generate.period import error_factor
from btql.generate.profile import HUGE, KB, log_normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from btql.generate.dice import Dice
    from btql.generate.profile import Profile

DEPTH_MAX = 5
_TOOL_MS = log_normal(120, 1.1, 512)
_SCORER_MS = log_normal(300, 0.5, 512)
_MESSAGE = 2 * KB
_KEPT_BEYOND = 10
"""What is no model call keeps one part in so many of what it has beyond a message."""
_STEP_MIN, _STEP_MAX = 50, 150
_FIRST_STEP_MORE = 200
"""What the first call says before its question, in the unit of steps: the system's prompt and the tools."""


class Kind(IntEnum):
    """What a span does."""

    TASK = 0
    LLM = 1
    TOOL = 2
    FUNCTION = 3
    SCORE = 4


# Not frozen: a plan is made 20,000 times a second, and an end is known only after the children's.
@dataclass(slots=True)
class SpanPlan:
    """One span to be."""

    kind: Kind
    parent: int
    """Place of the parent in the trace; -1 for the root."""
    start_ms: int
    end_ms: int
    size: int
    """Bytes of JSON that all its events should hold together."""
    failed: bool
    model: int = 0
    """Place in ``MODELS``."""
    opens_conversation: bool = False
    """A model call that repeats nothing of the calls before it."""
    adds: int = 0
    """Bytes of its size that the call before it does not have; 0 where calls do not grow evenly."""


def plan_trace(profile: Profile, dice: Dice, start_ms: int, length: int) -> list[SpanPlan]:
    """Return the spans of one trace, each after its parent."""
    spans = _Agent(dice, start_ms).work(length)
    for span, size in zip(spans, profile.sizes(dice, length), strict=True):
        span.size = size
    _let_conversations_grow(spans, profile, dice)
    return spans


class _Agent:
    """Lays out spans one after another while the clock runs."""

    def __init__(self, dice: Dice, start_ms: int) -> None:
        self.unit = dice.unit
        self.dice = dice
        self.now_ms = start_ms
        self.favourite = MODEL_WEIGHTS.draw(dice)
        self.error_share = 0.02 * error_factor(start_ms)
        self.spans: list[SpanPlan] = []
        self.open: list[int] = []

    def work(self, length: int) -> list[SpanPlan]:
        unit = self.unit
        self._open(Kind.TASK)
        while len(self.spans) < length:
            chance = unit()
            self.now_ms += 1 + int(chance * 20)
            if len(self.spans) == 1 or chance < 0.42:
                self._call_model()
            elif chance < 0.74:
                self._leaf(Kind.TOOL, self.dice.pick(_TOOL_MS))
            elif chance < 0.88:
                # A function below the last level could have no children.
                if len(self.open) < DEPTH_MAX - 1:
                    self._open(Kind.FUNCTION)
                else:
                    self._leaf(Kind.TOOL, self.dice.pick(_TOOL_MS))
            else:
                self._leaf(Kind.SCORE, self.dice.pick(_SCORER_MS))
            if len(self.open) > 1 and unit() < 0.25:
                self._close()
        while self.open:
            self._close()
        return self.spans

    def _open(self, kind: Kind) -> None:
        parent = self.open[-1] if self.open else -1
        self.open.append(len(self.spans))
        self.spans.append(SpanPlan(kind, parent, self.now_ms, 0, 0, failed=False))

    def _close(self) -> None:
        self.now_ms += 1 + int(self.unit() * 9)
        span = self.spans[self.open.pop()]
        span.end_ms = self.now_ms
        span.failed = self.unit() < self.error_share

    def _leaf(self, kind: Kind, took_ms: int, model: int = 0) -> None:
        begun_ms = self.now_ms
        self.now_ms += took_ms
        failed = self.unit() < self.error_share
        self.spans.append(SpanPlan(kind, self.open[-1], begun_ms, self.now_ms, 0, failed, model))

    def _call_model(self) -> None:
        # An agent stays with its model, but asks another one now and then.
        model = self.favourite if self.unit() < 0.8 else MODEL_WEIGHTS.draw(self.dice)
        self._leaf(Kind.LLM, self.dice.pick(MODELS[model].latencies_ms), model)


def _let_conversations_grow(spans: list[SpanPlan], profile: Profile, dice: Dice) -> None:
    for conversation in _conversations(spans, profile.conversation_calls_max, dice):
        calls = [span for span in conversation if span.kind is Kind.LLM]
        calls[0].opens_conversation = True
        if profile.calls_hold_conversations:
            others = [span for span in conversation if span.kind is not Kind.LLM]
            _grow_evenly(calls, sum(span.size for span in calls) + _taken_from(others), dice)
        else:
            for span, size in zip(calls, sorted([span.size for span in calls]), strict=True):
                span.size = size


def _conversations(spans: list[SpanPlan], calls_max: int, dice: Dice) -> Iterator[list[SpanPlan]]:
    """Divide a trace into conversations: each has its model calls and all that happens before the next one opens."""
    calls = [place for place, span in enumerate(spans) if span.kind is Kind.LLM]
    begin = opened = 0
    while opened < len(calls):
        opened += 2 + dice.below(calls_max - 1)
        end = calls[opened] if opened < len(calls) else len(spans)
        yield spans[begin:end]
        begin = end


def _taken_from(others: list[SpanPlan]) -> int:
    """Take most of what is beyond a message from spans that are no model calls, and return how much that is."""
    taken = 0
    for span in others:
        # A file that is read or handed in as a whole is no message.
        if _MESSAGE < span.size < HUGE:
            beyond = span.size - _MESSAGE
            kept = beyond // _KEPT_BEYOND
            taken += beyond - kept
            span.size = _MESSAGE + kept
    return taken


def _grow_evenly(calls: list[SpanPlan], total: int, dice: Dice) -> None:
    """Give the calls sizes that sum up to ``total``, each larger than the one before by about as much."""
    steps = [_STEP_MIN + dice.below(_STEP_MAX - _STEP_MIN) for _ in calls]
    steps[0] += _FIRST_STEP_MORE
    heights = list(accumulate(steps))
    whole = sum(heights)
    for span, step, height in zip(calls, steps, heights, strict=True):
        span.size = min(HUGE, total * height // whole)
        span.adds = total * step // whole

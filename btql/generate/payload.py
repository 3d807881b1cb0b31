"""Inputs and outputs of spans as JSON: chat messages, questions, tool calls, results.

One ``Payloads`` belongs to one trace and remembers the conversation: the input of
a model call is everything said before, then the answer to it, then something new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.generate import cast
from btql.generate.planted import draw_for_input, draw_for_output
from btql.generate.trace import Kind

if TYPE_CHECKING:
    from btql.generate.dice import Dice
    from btql.generate.metadata import Session
    from btql.generate.trace import SpanPlan

_OVERHEAD = (1000, 1250, 800, 800, 880)
"""About how many bytes a span has besides its payload, over all its events."""
_INPUT_SHARE = (0.5, 0.8, 0.25, 0.5, 0.75)
"""By kind of span, both."""
_ANSWER_OF_STEP = 4
"""Where calls grow evenly, the answer is one part in so many of what a call adds."""
_TEXT_LENGTH_MIN = 16


class Payloads:
    """Renders the payloads of one trace, in the order in which its spans begin."""

    __slots__ = ("_answer", "_conversation", "_cut", "_dice", "_style")

    def __init__(self, dice: Dice, session: Session) -> None:
        self._dice = dice
        self._cut = session.pool.cutter(dice)
        self._style = session.style
        self._conversation = b""
        self._answer = b""

    def of(self, span: SpanPlan) -> tuple[bytes, bytes]:
        """Return the input and the output of a span."""
        room = max(4 * _TEXT_LENGTH_MIN, span.size - _OVERHEAD[span.kind])
        if span.adds:
            # The next call takes in the answer as well as the input, and has to have room for both.
            for_output = min(room, span.adds) // _ANSWER_OF_STEP
        else:
            for_output = room - int(room * _INPUT_SHARE[span.kind])
        for_input = room - for_output
        planted = draw_for_input(self._dice)
        if span.kind is Kind.LLM:
            messages = self._messages(span, for_input, planted)
            return messages, self._model_output(for_output)
        return self._input(span, for_input, planted), self._output(span, for_output)

    def _messages(self, span: SpanPlan, room: int, planted: bytes | None) -> bytes:
        if span.opens_conversation or not self._conversation:
            self._conversation = b'{"role":"system","content":"%b"}' % self._text(min(600, room // 3))
        else:
            self._conversation += b',{"role":"assistant","content":"%b"}' % self._answer
        fresh = max(_TEXT_LENGTH_MIN, room - len(self._conversation))
        role = b"user" if self._dice.unit() < 0.6 else b"tool"
        self._conversation += b',{"role":"%b","content":"%b"}' % (role, self._text(fresh))
        if planted is None:
            return b"[%b]" % self._conversation
        # Said for this call only: the next one does not repeat it, so that the share stays as planted.
        return b'[%b,{"role":"user","content":"%b"}]' % (self._conversation, self._text(24, planted))

    def _model_output(self, room: int) -> bytes:
        self._answer = answer = self._text(room, draw_for_output(self._dice))
        if self._style == 0:
            return b'[{"role":"assistant","content":"%b"}]' % answer
        if self._style == 1:
            message = b'{"role":"assistant","content":"%b"}' % answer
            return b'{"choices":[{"index":0,"finish_reason":"stop","message":%b}]}' % message
        tool = self._dice.pick(cast.TOOLS).encode()
        return (
            b'[{"finish_reason":"tool_calls","message":{"role":"assistant","content":"%b","tool_calls":[{"type":"function",'
            b'"function":{"name":"%b","arguments":"{\\"top_k\\": %d}"}}]}}]' % (answer, tool, self._dice.below(20))
        )

    def _input(self, span: SpanPlan, room: int, planted: bytes | None) -> bytes:
        text = self._text(room, planted)
        match span.kind:
            case Kind.TASK if self._style == 0:
                return b'"%b"' % text
            case Kind.TASK if self._style == 1:
                return b'[{"role":"user","content":"%b"}]' % text
            case Kind.TASK:
                return b'{"question":"%b","channel":"web"}' % text
            case Kind.SCORE:
                return b'{"output":"%b","expected":"%b"}' % (text, self._text(room // 4))
            case Kind.FUNCTION:
                return b'{"args":["%b",%d],"kwargs":{"deep":{"er":%d}}}' % (
                    text,
                    self._dice.below(9),
                    self._dice.below(3),
                )
            case _:
                return b'{"query":"%b","top_k":%d}' % (text, 1 + self._dice.below(20))

    def _output(self, span: SpanPlan, room: int) -> bytes:
        text = self._text(room, draw_for_output(self._dice))
        match span.kind:
            case Kind.TASK if self._style == 2:
                return b'{"answer":"%b","sources":[%d,%d]}' % (text, self._dice.below(99), self._dice.below(99))
            case Kind.TASK:
                return b'"%b"' % text
            case Kind.SCORE:
                return b'{"rationale":"%b"}' % text
            case Kind.FUNCTION:
                return b'{"steps":%b,"summary":"%b"}' % (self._dice.pick(cast.STEPS), text)
            case _:
                return self._results(text)

    def _results(self, text: bytes) -> bytes:
        """Return what a tool found: a few rows, a number, or the text alone."""
        chance = self._dice.unit()
        if chance < 0.15:
            return b'"%b"' % text
        return b'{"rows":[{"rank":1,"score":%.3f,"text":"%b"},{"rank":2,"score":null}],"found":%d}' % (
            0.5 + chance / 2,
            text,
            self._dice.below(500),
        )

    def _text(self, size: int, planted: bytes | None = None) -> bytes:
        size = max(size, _TEXT_LENGTH_MIN)
        if planted is None:
            return self._cut(size)
        return b"%b %b %b" % (self._cut(size // 2), planted, self._cut(size // 2))

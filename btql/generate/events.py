"""The write events of one trace, two or three per span, in order of arrival.

A client sends a span when it begins and again when it ends, and what became known
later in a third event; all but the first have ``_is_merge``. Batches are held
back a little and do not always arrive in order:

- children often arrive before the function or task that they belong to;
- one span in two hundred is closed before it was opened: then its closing event
  carries the identity of the span, and the opening event is merged into it;
- three in a thousand never end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from btql.generate import cast
from btql.generate.failure import error
from btql.generate.metadata import Session, extras
from btql.generate.payload import Payloads
from btql.generate.period import iso, seconds
from btql.generate.trace import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from btql.generate.dice import Dice
    from btql.generate.profile import Profile
    from btql.generate.trace import SpanPlan

_TYPES = tuple(kind.name.lower().encode() for kind in Kind)
_OPEN, _CLOSE, _AMEND = range(3)
_TOOLS, _FUNCTIONS, _SCORERS = (
    tuple(name.encode() for name in names) for names in (cast.TOOLS, cast.FUNCTIONS, cast.SCORERS)
)
_TAGS = tuple(orjson.dumps(tag) for tag in cast.TAGS)
_TOOL_VERSIONS = tuple((version, cached) for version in range(1, 4) for cached in (b"true", b"false", b"false"))


Event = tuple[int, bytes, bool]
"""When a line arrives, the line, and whether a span begins with it.

Plain tuples, here and for payloads: twenty thousand spans a second leave no time for more."""

_Payload = tuple[bytes, bytes, int]
"""Input, output and length of the input; the input is empty once it has been sent."""


class TraceEvents:
    """Renders the events of one planned trace."""

    def __init__(self, profile: Profile, dice: Dice, plan: list[SpanPlan]) -> None:
        self.plan = plan
        self.dice = dice
        self.ids = [dice.uuid() for _ in plan]
        self.session = Session.draw(dice)
        self._span_ids = [dice.uuid() for _ in plan]
        self._attribute_keys = profile.attribute_keys
        self._renderer = Payloads(dice, self.session)
        self._payloads: dict[int, _Payload] = {}
        """Of spans that have begun and not ended."""
        self._closed_first: set[int] = set()
        self._amended: dict[int, bytes] = {}
        """Spans with a third event, and what it says as far as that is known."""

    def __iter__(self) -> Iterator[Event]:
        render = (self._open, self._close, self._amend)
        for arrival_ms, place, stage in self._schedule():
            yield arrival_ms, render[stage](place), stage == _OPEN

    def identity(self, place: int) -> bytes:
        """Return the fields that say which span it is, where it belongs and when it began."""
        parent = self.plan[place].parent
        return b'"id":"%b","span_id":"%b","root_span_id":"%b",%b"created":"%b"' % (
            self.ids[place],
            self._span_ids[place],
            self._span_ids[0],
            b"" if parent < 0 else b'"span_parents":["%b"],' % self._span_ids[parent],
            iso(self.plan[place].start_ms),
        )

    def _schedule(self) -> list[tuple[int, int, int]]:
        """Return arrival, span and stage of every event, in order."""
        unit = self.dice.unit
        schedule: list[tuple[int, int, int]] = []
        for place, span in enumerate(self.plan):
            chance = unit()
            opens = span.start_ms + 50 + int(chance * 250)
            closes = span.end_ms + 400 + int(chance * 800)
            if span.kind in (Kind.TASK, Kind.FUNCTION) and unit() < 0.15:
                opens = min(opens + 500 + int(unit() * 20_000), closes - 1)
            if chance < 0.005:
                self._closed_first.add(place)
                opens = closes + 1 + int(unit() * 3000)
            schedule.append((opens, place, _OPEN))
            if 0.005 <= chance < 0.008:
                continue
            schedule.append((closes, place, _CLOSE))
            if unit() < (0.6 if span.kind is Kind.LLM else 0.3):
                self._amended[place] = b""
                schedule.append((max(opens, closes) + 100 + int(unit() * 2000), place, _AMEND))
        schedule.sort()
        return schedule

    def _payload(self, place: int) -> _Payload:
        """Return what the span takes in and gives out; made up when its first event is due."""
        payload = self._payloads.get(place)
        if payload is None:
            taken, given = self._renderer.of(self.plan[place])
            payload = self._payloads[place] = (taken, given, len(taken))
        return payload

    def _open(self, place: int) -> bytes:
        span = self.plan[place]
        taken, given, length = self._payload(place)
        self._payloads[place] = (b"", given, length)
        return b'{%b,"_is_merge":%b,%b,"input":%b,"metadata":{%b},"metrics":{"start":%b}%b}' % (
            self.identity(place),
            b"true" if place in self._closed_first else b"false",
            self._span_attributes(place),
            taken,
            self._metadata(span),
            seconds(span.start_ms),
            self._rest(span),
        )

    def _close(self, place: int) -> bytes:
        span = self.plan[place]
        payload = self._payload(place)
        given = payload[1]
        if place in self._closed_first:
            identity = self.identity(place)
        else:
            del self._payloads[place]
            identity = b'"id":"%b","span_id":"%b","root_span_id":"%b"' % (
                self.ids[place],
                self._span_ids[place],
                self._span_ids[0],
            )
        metrics = b'"end":%b' % seconds(span.end_ms)
        if span.kind is Kind.LLM and not span.failed:
            usage = self._usage(span, payload[2], len(given))
            if place in self._amended:
                self._amended[place] = b'"metrics":{%b}' % usage
            else:
                metrics += b"," + usage
        outcome = b'"error":' + error(self.dice) if span.failed else b'"output":' + given
        scores = self._scores() if span.kind is Kind.SCORE and not span.failed else b""
        return b'{%b,"_is_merge":true,%b,"metrics":{%b}%b}' % (identity, outcome, metrics, scores)

    def _amend(self, place: int) -> bytes:
        known = self._amended.pop(place)
        if not known:
            chance = self.dice.unit()
            known = b'"metadata":{"outcome":{"status":"ok","retries":%d}}' % int(chance * 4)
            if chance > 0.5:
                known = self._scores()[1:]
        return b'{"id":"%b","_is_merge":true,%b}' % (self.ids[place], known)

    def _span_attributes(self, place: int) -> bytes:
        dice, kind = self.dice, self.plan[place].kind
        match kind:
            case Kind.TASK:
                name, more = self.session.app, b""
            case Kind.LLM:
                name, more = b"Chat Completion", b',"exec_counter":%d' % place
            case Kind.TOOL:
                name, more = dice.pick(_TOOLS), b""
            case Kind.FUNCTION:
                name, more = dice.pick(_FUNCTIONS), b""
            case Kind.SCORE:
                name, more = dice.pick(_SCORERS), b',"purpose":"scorer"'
        return b'"span_attributes":{"name":"%b","type":"%b"%b}' % (name, _TYPES[kind], more)

    def _metadata(self, span: SpanPlan) -> bytes:
        match span.kind:
            case Kind.TASK:
                metadata = self.session.root_metadata
            case Kind.LLM:
                metadata = b'%b,"user_id":%b' % (self.dice.pick(cast.MODELS[span.model].settings), self.session.user)
            case Kind.TOOL:
                metadata = b'"tool":{"version":%d,"cached":%b}' % _TOOL_VERSIONS[self.dice.below(len(_TOOL_VERSIONS))]
            case Kind.FUNCTION:
                metadata = b'"attempt":%d' % self.dice.below(3)
            case Kind.SCORE:
                metadata = b'"scorer":{"threshold":0.5}'
        return metadata + extras(self.dice, self._attribute_keys)

    def _rest(self, span: SpanPlan) -> bytes:
        """Return the fields that only some spans have, each with its comma."""
        dice, rest = self.dice, b""
        chance = dice.unit()
        if span.parent < 0:
            if chance < 0.4:
                first = dice.below(len(_TAGS))
                rest = b',"tags":[%b]' % b",".join(_TAGS[first : first + 1 + int(chance * 8)])
            if chance > 0.98:
                rest += b',"origin":{"object_type":"dataset","object_id":"%b","id":"%b"}' % (dice.uuid(), dice.uuid())
        if span.kind is not Kind.SCORE and chance > 0.5:
            rest += b',"context":' + dice.pick(cast.CONTEXTS)
        if 0.5 < chance < 0.505:
            rest += b',"queue":{"name":"nightly","attempt":%d}' % dice.below(4)
        return rest

    def _usage(self, span: SpanPlan, taken: int, given: int) -> bytes:
        model = cast.MODELS[span.model]
        prompt = taken // 4 + 8
        completion = given // 4 + 1
        cached = 0 if span.opens_conversation else prompt * 3 // 4
        cost = (prompt * model.prompt_price + completion * model.completion_price) / 1e6
        first_token_ms = int((span.end_ms - span.start_ms) * self.dice.between(0.1, 0.4))
        return (
            b'"prompt_tokens":%d,"completion_tokens":%d,"tokens":%d,"prompt_cached_tokens":%d,'
            b'"time_to_first_token":%b,"estimated_cost":%.6f'
        ) % (prompt, completion, prompt + completion, cached, seconds(first_token_ms), cost)

    def _scores(self) -> bytes:
        """Return the scores of a span with a comma before: 0, 1, a fraction, and now and then null."""
        chance = self.dice.unit()
        if chance < 0.2:
            score = b"0"
        elif chance < 0.55:
            score = b"1"
        elif chance < 0.97:
            score = b"%.4f" % ((chance - 0.55) / 0.42)
        else:
            score = b"null"
        return b',"scores":{"%b":%b}' % (self.dice.pick(_SCORERS), score)

"""What is said about a span long after it ended.

=================  ==========================  ============================================
what               of how many                 event
=================  ==========================  ============================================
feedback           9 % of roots, 0.5 % others  merge: scores; of most roots tags too, and
                                               sometimes ``expected`` or a comment
deletion           0.2 %                       ``_object_delete``
redaction          0.2 %                       no merge: the whole row is replaced
replaced metadata  0.1 %                       merge with ``_merge_paths``
tags taken back    3 % of roots                merge with ``_array_delete``
=================  ==========================  ============================================

It arrives between half a minute and three days after the end of the span, and no
span gets more than one of these, so that none is revived after its deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from btql.generate import cast
from btql.generate.profile import log_normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from btql.generate.dice import Dice
    from btql.generate.events import TraceEvents

_LATE_MS_MIN = 30_000
_LATE_MS_MAX = 3 * 86_400_000
_DELAYS_MS = tuple(min(_LATE_MS_MAX, _LATE_MS_MIN + delay) for delay in log_normal(3_600_000, 2.0, 1024))
_FEEDBACK_TAGS = tuple(orjson.dumps(tag) for tag in cast.FEEDBACK_TAGS)
_EXPECTED = tuple(orjson.dumps(value) for value in ("yes", "no", {"answer": "see the manual", "page": 12}, 42, [1, 2]))


def late_events(trace: TraceEvents) -> Iterator[tuple[int, bytes]]:
    """Return when and what is said later about the spans of a trace, in no particular order."""
    dice = trace.dice
    for place, span in enumerate(trace.plan):
        chance = dice.unit()
        if chance > 0.12 or (place and chance > 0.01):
            continue
        line = _line(trace, place, chance)
        if line:
            yield span.end_ms + dice.pick(_DELAYS_MS), line


def _line(trace: TraceEvents, place: int, chance: float) -> bytes:
    dice, identifier = trace.dice, trace.ids[place]
    merge = b'"id":"%b","_is_merge":true' % identifier
    if chance < 0.002:
        return b'{"id":"%b","_object_delete":true}' % identifier
    if chance < 0.004:
        return b'{%b,"input":"[redacted]","metadata":{"redacted":true,"reason":{"code":%d}},"tags":null}' % (
            trace.identity(place),
            dice.below(5),
        )
    if chance < 0.005:
        return (
            b'{%b,"_merge_paths":[["metadata","release"],["span_attributes"]],'
            b'"metadata":{"release":{"version":"hotfix"}},"span_attributes":{"name":"renamed","type":"task"}}'
        ) % merge
    if place == 0 and chance > 0.02:
        # A root without these tags keeps what it has.
        if chance < 0.05:
            return b'{%b,"_array_delete":[{"path":["tags"],"delete":["triage","prod"]}]}' % merge
        return _feedback(dice, merge, chance)
    return b'{%b,"scores":{"User rating":%b}}' % (merge, dice.pick((b"0", b"1", b"0.5")))


def _feedback(dice: Dice, merge: bytes, chance: float) -> bytes:
    rating = dice.pick((b"0", b"1", b"0.25"))
    more = b""
    if chance < 0.08:
        more = b',"expected":' + dice.pick(_EXPECTED)
    elif chance < 0.09:
        more = b',"comments":[{"text":"please look at this","source":"app"}]'
    return b'{%b,"scores":{"User rating":%b},"tags":[%b]%b}' % (
        merge,
        rating,
        dice.pick(_FEEDBACK_TAGS),
        more,
    )

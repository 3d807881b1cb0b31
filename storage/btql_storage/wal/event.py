"""Events as they come out of the log, and how the lines that they came as are taken apart.

An event has its ids, its time and its instructions at once. What else is in its line is read when somebody asks: a
query that counts rows, or looks one up, needs next to nothing of it, and the first query after a write waits for all
that is done. Who wants a field of many events has all of their lines read in one go (:class:`EventFields`), without a
copy of what is in them; only the texts of the field that is asked for are copied.
"""

from __future__ import annotations

from functools import lru_cache, partial
from operator import attrgetter, is_not, itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from btql_storage.fields import KNOWN_FIELDS, OBJECT_FIELDS
from btql_storage.kinds import TEXT_BYTES_MAX
from btql_storage.members import members
from btql_storage.transactions import pagination_key
from btql_storage.wal.control import CONTROLS, Control
from btql_storage.wal.format import Flag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Plain integers: operators of enumerations are slow, and every event meets these.
_MERGE = Flag.MERGE.value
_DELETE = Flag.DELETE.value
_CREATED_GIVEN_BY_US = Flag.CREATED_GIVEN_BY_US.value
NO_FIELDS = frozenset(
    {
        # These have columns of their own,
        *("id", "span_id", "root_span_id", "created"),
        # these are instructions,
        *CONTROLS,
        # these are ours to give,
        *("_xact_id", "_pagination_key", "is_root"),
        # and these ask for what does not happen here.
        *("_async_scoring_control", "_skip_async_scoring"),
    }
)
"""Top-level keys of events that are no fields of rows."""
_ESCAPE_BYTES_MAX = 6


class WalEvent(msgspec.Struct, gc=False):
    """One event, ready to be merged into its row.

    A Struct, as these are made in a quarter of the time; nothing that one holds leads back to it.
    """

    id: str
    span_id: str
    root_span_id: str
    created_us: int
    xact_id: int
    row_number: int
    flags: int
    control: Control | None
    line: bytes | memoryview | None
    """The JSON that it came as; None where ``given`` has all of its fields."""
    given: dict[str, bytes] | None
    """Fields that are others than those of the line, as JSON text."""
    not_stored: frozenset[str]
    """Top-level keys of the line that are no fields."""

    @property
    def fields(self) -> dict[str, bytes]:
        """Top-level fields as JSON text. Null removes the field in a merge, and is no field elsewhere."""
        found: dict[str, bytes] = {}
        if self.line is not None:
            not_stored = self.not_stored
            found = {name: bytes(raw) for name, raw in members(self.line).items() if name not in not_stored}
        if self.given:
            found.update(self.given)
        return found

    @property
    def json_bytes(self) -> int:
        """How much JSON it has."""
        size = 0 if self.line is None else len(self.line)
        return size if self.given is None else size + sum(map(len, self.given.values()))

    @property
    def merges(self) -> bool:
        """Whether the event is merged into its row instead of replacing it."""
        return self.flags & _MERGE != 0

    @property
    def deletes(self) -> bool:
        """Whether the event removes its row."""
        return self.flags & _DELETE != 0

    def created_after(self, before_us: int | None) -> int:
        """Return when a row was created that this event makes or replaces, given when it was before.

        A time that we gave, as the client did not, gives way: the same request, delivered twice, changes nothing.
        """
        return before_us if before_us is not None and self.flags & _CREATED_GIVEN_BY_US else self.created_us

    @property
    def makes_no_row(self) -> bool:
        """Whether the event does nothing to a row that is not there: it takes a comment away, or only updates."""
        control = self.control
        if control is None:
            return False
        return control.only_updates or (control.comment is not None and control.comment.deleted)

    @property
    def pagination_key(self) -> str:
        """The key of the row if this event is its first."""
        return pagination_key(self.xact_id, self.row_number)


class EventFields:
    """The fields of some events, one field at a time."""

    def __init__(self, events: Sequence[WalEvent]) -> None:
        self._others = {place: event.given for place, event in enumerate(events) if event.given}
        """What is not in the lines, or not in those that are read for known fields."""
        self._lines: list[Any] | None = self._known(events)
        self._members = [] if self._lines is not None else [_members(event) for event in events]

    def _known(self, events: Sequence[WalEvent]) -> list[Any] | None:
        """Take lines apart that have none but known fields, nearly all of them; None where too many have others."""
        kinds = {event.not_stored for event in events}
        if len(kinds) != 1 or not (not_stored := kinds.pop()).isdisjoint(KNOWN_FIELDS):
            return None
        # msgspec learns what a Struct is when it is first decoded, and two threads at once would crash.
        with _guard:
            decode, decode_any = _decoders(not_stored)
        lines: list[Any] = []
        others: dict[int, dict[str, bytes]] = {}
        for place, event in enumerate(events):
            try:
                lines.append(decode(event.line or b"{}"))
            except msgspec.ValidationError:
                if len(others) * _FEW > len(events):
                    return None
                lines.append(decode_any(event.line or b"{}"))
                others[place] = {name: text for name, text in event.fields.items() if name not in _KNOWN}
        for place, texts in others.items():
            self._others[place] = texts | self._others.get(place, {})
        return lines

    def names(self) -> set[str]:
        """Return the fields that any event has, also where it is null."""
        names = {name for texts in self._others.values() for name in texts}
        if self._lines is None:
            return names.union(*self._members)
        return names.union(name for name, get in _KNOWN.items() if any(map(_is_there, map(get, self._lines))))

    def texts(self, name: str) -> list[bytes | None]:
        """Return the JSON text of a field, for each event; None where it does not have it."""
        texts = [None if raw is None else bytes(raw) for raw in self._raws(name)]
        for place, others in self._others.items():
            texts[place] = others.get(name, texts[place])
        return texts

    def shapes(self, name: str) -> set[bytes]:
        """Return texts that are at the top what values of a field are there: short ones for what is in them."""
        raws = self._raws(name)
        if name in OBJECT_FIELDS:
            # No request with anything else there is taken.
            return {b"{}"} if any(map(_is_there, raws)) or self._has_other(name) else set()
        there = [memoryview(raw) for raw in raws if raw is not None]
        shapes = {_NESTED.get(first) for first in {*map(_FIRST, there)}}
        if None in shapes:
            shapes = {*map(shape, there)}
        return cast("set[bytes]", shapes).union(shape(texts[name]) for texts in self._others.values() if name in texts)

    def _has_other(self, name: str) -> bool:
        return any(name in texts for texts in self._others.values())

    def _raws(self, name: str) -> Sequence[msgspec.Raw | None]:
        if self._lines is None:
            return [each.get(name) for each in self._members]
        get = _KNOWN.get(name)
        return [None] * len(self._lines) if get is None else [*map(get, self._lines)]


def shape(text: bytes | memoryview) -> bytes:
    """Return a short JSON text that is at the top what another one is there: the same kind, and a scalar itself."""
    nested = _NESTED.get(text[0])
    if nested is not None:
        return nested
    return _LONG_TEXT if text[0] == _QUOTE and len(text) > len(_LONG_TEXT) else bytes(text)


_FIRST = itemgetter(0)
_QUOTE = ord('"')
_NESTED = {ord("{"): b"{}", ord("["): b"[]"}
_is_there = partial(is_not, None)
_LONG_TEXT = b'"%b"' % (b"x" * _ESCAPE_BYTES_MAX * TEXT_BYTES_MAX)
"""JSON of a text that has no column, as one of more bytes has not either, however many of them are escapes."""
_Get: TypeAlias = "Callable[[Any], msgspec.Raw | None]"
_Decode: TypeAlias = "Callable[[bytes | memoryview], Any]"
_LINE_KINDS_MAX = 32
_FEW = 16
"""Lines that are at most one in so many are read twice."""
_KNOWN: dict[str, _Get] = {name: attrgetter(f"field_{place}") for place, name in enumerate(KNOWN_FIELDS)}
"""How to get a known field out of a line that has no others."""
_guard = Lock()


@lru_cache(_LINE_KINDS_MAX)
def _decoders(not_stored: frozenset[str]) -> tuple[_Decode, _Decode]:
    """Return what reads a line without fields that are not known, and what passes over these."""
    names = {f"field_{place}": name for place, name in enumerate([*KNOWN_FIELDS, *sorted(not_stored)])}
    fields = [(attribute, msgspec.Raw, None) for attribute in names]
    decoders: list[_Decode] = []
    for strict in (True, False):
        # There are too many of them for the collector to look at, and nothing that they hold leads back.
        kind = msgspec.defstruct("Line", fields, rename=names, forbid_unknown_fields=strict, gc=False)
        decoders.append(msgspec.json.Decoder(kind).decode)
        decoders[-1](b"{}")
    return decoders[0], decoders[1]


def _members(event: WalEvent) -> dict[str, msgspec.Raw]:
    not_stored = event.not_stored
    return {name: raw for name, raw in members(event.line or b"{}").items() if name not in not_stored}

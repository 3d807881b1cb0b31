"""What was asked for and what became of it; compares what anyone sees with the model.

Every request leaves a row of its own, in each of its objects, that nothing ever changes: which requests a reader
sees is known from these, and all else it sees must follow from them, in the order of their transactions. Events are
such that a request that is applied twice, or in another order, shows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from btql_storage.row import Row
from btql_storage.snapshot import Snapshot
from storage_support.model import Document, Model
from storage_support.reading import snapshot_rows, to_document

OWN = "own-"
_CREATED = "2026-01-02T00:00:00Z"


@dataclass(slots=True)
class Request:
    """A request, and what became of it."""

    number: int
    events: dict[str, list[Document]]
    """By object."""
    xact_id: int | None = None
    """Where it was acknowledged."""
    failed: bool = False
    """Whether an error said that nothing of it was stored."""
    over: bool = False
    """Whether its caller has heard anything, or is dead."""
    forgettings: int = 0
    """How often the register had forgotten all when it began."""
    writer: str = ""
    """The process that asked for it."""
    over_at_us: int = 0
    """When it was acknowledged."""


@dataclass(slots=True)
class Seen:
    """What a reader of an object knows before it looks."""

    acknowledged: frozenset[int]
    failed: frozenset[int]
    seen: frozenset[int]


@dataclass(slots=True, eq=False)
class Version:
    """What an object was."""

    xact_id: int
    documents: dict[str, Document] = field(repr=False)
    requests: frozenset[int] = frozenset()
    forgettings: int = 0
    """How often the register had forgotten all when it was named."""


class Oracle:
    """Knows all requests."""

    def __init__(self, dice: Random, names: list[str], ids: int) -> None:
        self._dice = dice
        self._ids = ids
        self.names = names
        self.requests: list[Request] = []
        self.versions: dict[str, list[Version]] = {name: [] for name in names}
        self.checks = 0
        self.pasts_forgotten = 0
        self.without_past: set[str] = set()
        """Objects of which a version may be gone: whoever deletes or purges may die before anyone hears of it."""
        self.forgettings: Callable[[], int] = lambda: 0
        """How often a service forgot what it knew: what was seen and not acknowledged may be gone then."""
        self._erasable: dict[str, set[int]] = {name: set() for name in names}
        """Requests that may be gone with their object, which was deleted meanwhile."""
        self._erased: dict[str, set[int]] = {name: set() for name in names}
        """Requests that must be gone with it."""
        self._erasing: list[tuple[str, Callable[[], bool]]] = []
        """Objects that are being deleted, and whether whoever does it is alive."""
        self.forgotten_at_us: Callable[[], int] = lambda: -1 << 60
        """When that was last."""
        self.now_us: Callable[[], int] = lambda: 0
        self.lists_lag_us = 0
        """How old the lists may be that readers get."""
        self._seen: dict[str, dict[int, int]] = {name: {} for name in names}
        """Requests that somebody saw, and when that was first."""
        self._seen_by: dict[tuple[str, str], set[int]] = {}
        """Those that a process saw."""
        self._replayed: dict[str, tuple[list[tuple[int, int]], Model]] = {}

    def new_request(self, writer: str) -> Request:
        """Make up a request of a process."""
        chosen = [name for name in self.names if self._dice.random() < 0.4] or [self._dice.choice(self.names)]
        number = len(self.requests)
        made = Request(
            number, {name: self._events(number) for name in chosen}, forgettings=self.forgettings(), writer=writer
        )
        self.requests.append(made)
        for name in chosen:
            if any(name == one and alive() for one, alive in self._erasing):
                self._erasable[name].add(number)
        return made

    @contextmanager
    def erasing(self, name: str, alive: Callable[[], bool]) -> Generator[None]:
        """Delete an object meanwhile: what was acknowledged before is gone then, what comes meanwhile may be."""
        mine = {request.number for request in self.requests if name in request.events}
        acknowledged = {number for number in mine if self.requests[number].xact_id is not None}
        self._erasable[name] |= mine
        entry = (name, alive)
        self._erasing.append(entry)
        self.forget_past(name)
        try:
            yield
            self._erased[name] |= acknowledged
        finally:
            self._erasing.remove(entry)
            self.forget_past(name)

    def before_reading(self, name: str, reader: str | None = None, *, names_version: bool = False) -> Seen:
        """Note what whoever begins to read now must see, and must not.

        Where lists lag, a process may see late what others have written. What it wrote or saw itself it sees, and who
        names a version sees all that was acknowledged. Whom nothing disturbs sees everything, and says no name.
        """
        mine = [request for request in self.requests if name in request.events]
        acknowledged = [request for request in mine if request.xact_id is not None]
        seen = self._seen[name]
        if self.lists_lag_us and reader is not None:
            long_ago_us = self.now_us() - self.lists_lag_us
            if not names_version:
                acknowledged = [one for one in acknowledged if one.writer == reader or one.over_at_us <= long_ago_us]
            own = self._seen_by.get((reader, name), set())
            seen = {number: at_us for number, at_us in seen.items() if number in own or at_us <= long_ago_us}
        return Seen(
            frozenset(request.number for request in acknowledged),
            frozenset(request.number for request in mine if request.failed) | self._erased[name],
            frozenset(seen),
        )

    def has_just_forgotten(self, since_us: int) -> bool:
        """Whether the register did not know, at some time since then, what lists may lack."""
        return self.lists_lag_us > 0 and self.forgotten_at_us() > since_us - self.lists_lag_us

    def forget_past(self, name: str) -> None:
        """Expect no version of an object any more."""
        self.versions[name].clear()
        self.pasts_forgotten += 1
        self.without_past.add(name)

    def check_gone(self, name: str, before: Seen) -> None:
        """Check that an object may be gone."""
        missing = before.acknowledged - self._erasable[name]
        assert not missing, f"{name} is gone with requests {sorted(missing)}, and was not deleted"

    def check(self, name: str, snapshot: Snapshot, before: Seen, reader: str | None = None) -> Version:
        """Compare a snapshot with what it must show; return what it is."""
        self.checks += 1
        rows = snapshot_rows(snapshot)
        by_id = {row.id: row for row in rows}
        assert len(by_id) == len(rows), f"{name}: an id is current twice"
        shown = _own_rows(by_id)
        documents = {row_id: to_document(row) for row_id, row in by_id.items()}
        self._check_requests(name, shown, before)
        order = sorted((row.xact_id, number) for number, row in shown.items())
        assert all(xact_id <= snapshot.xact_id for xact_id, _ in order), f"{name}: a row is later than its snapshot"
        expected = self._replay(name, order)
        if documents != expected:
            raise AssertionError(f"{name}: {_difference(documents, expected)}; transactions: {order}")
        self._seen[name] = dict.fromkeys(shown, self.now_us()) | self._seen[name]
        if reader is not None:
            self._seen_by.setdefault((reader, name), set()).update(shown)
        return Version(snapshot.xact_id, documents, frozenset(shown))

    def forget_unsure(self) -> None:
        """Expect no longer what was seen and not acknowledged: a power failure may have undone it."""
        for name, seen in self._seen.items():
            for number in [number for number in seen if self.requests[number].xact_id is None]:
                del seen[number]
            kept = self.versions[name]
            kept[:] = [version for version in kept if version.requests <= seen.keys()]

    def check_version(self, name: str, snapshot: Snapshot, version: Version) -> None:
        """Compare a snapshot of the past with what was seen then."""
        if version not in self.versions[name]:
            # Meanwhile the object was deleted, or its past.
            return
        requests = [self.requests[number] for number in version.requests]
        if any(request.failed or (self.forgettings() and request.xact_id is None) for request in requests):
            # It was seen while it was being taken back.
            return
        rows = {row.id: row for row in snapshot_rows(snapshot)}
        documents = {row_id: to_document(row) for row_id, row in rows.items()}
        expected = self._with_forgotten(name, rows, version)
        if documents != expected and name not in self.without_past:
            raise AssertionError(f"{name} as of {version.xact_id}: {_difference(documents, expected)}")

    def _with_forgotten(self, name: str, rows: dict[str, Row], version: Version) -> dict[str, Document]:
        """Return what a version must be where requests came late, of which the register knew nothing any more.

        Whoever named the version could not wait for their numbers, and their callers heard that nobody can tell.
        """
        shown = _own_rows(rows)
        late = {number for number in shown.keys() - version.requests if self._may_come_late(number, version)}
        if not late or version.requests - shown.keys():
            return version.documents
        of_version = version.requests | late
        return self._replay(name, sorted((row.xact_id, one) for one, row in shown.items() if one in of_version))

    def _may_come_late(self, number: int, version: Version) -> bool:
        request = self.requests[number]
        unsure = request.xact_id is None and not request.failed
        return unsure and request.forgettings < version.forgettings

    def _check_requests(self, name: str, shown: dict[int, Row], before: Seen) -> None:
        missing = before.acknowledged - shown.keys() - self._erasable[name]
        assert not missing, f"{name}: requests {sorted(missing)} were acknowledged and are missing"
        for number in before.seen - shown.keys() - self._erasable[name]:
            request = self.requests[number]
            unsure = self.forgettings() and request.xact_id is None
            assert request.failed or unsure, f"{name}: request {number} was seen before and is gone"
        wrong = before.failed & shown.keys()
        assert not wrong, f"{name}: requests {sorted(wrong)} were refused or deleted, and are there"
        for number, row in shown.items():
            xact_id = self.requests[number].xact_id
            assert xact_id in (None, row.xact_id), f"{name}: request {number} has transaction {row.xact_id}"

    def _replay(self, name: str, order: list[tuple[int, int]]) -> dict[str, Document]:
        known, model = self._replayed.get(name, ([], Model()))
        if order[: len(known)] != known:
            known, model = [], Model()
        for xact_id, number in order[len(known) :]:
            model.apply(self.requests[number].events[name], xact_id)
        self._replayed[name] = order, model
        return model.rows

    def _events(self, number: int) -> list[Document]:
        dice = self._dice
        # A row that nothing changes says that the request is there, and under which transaction.
        events: list[Document] = [
            {"id": f"{OWN}{number}", "created": _CREATED, "root_span_id": f"t{dice.randrange(6)}", "input": number}
        ]
        events += [self._event(number, place) for place in range(dice.randrange(6))]
        dice.shuffle(events)
        return events

    def _event(self, number: int, place: int) -> Document:
        dice = self._dice
        event: dict[str, Any] = {"id": f"row-{dice.randrange(self._ids)}", "created": _CREATED}
        match dice.randrange(10):
            case 0:
                event["_object_delete"] = True
            case 1 | 2:
                event |= {"output": {"replaced": number}, "root_span_id": f"t{dice.randrange(6)}"}
            case 3:
                event = {
                    "id": f"comment-{number}-{place}",
                    "created": _CREATED,
                    "origin": {"id": event["id"]},
                    "comment": {"text": number},
                }
            case 4:
                event |= {"_is_merge": True, "_audit_source": "app", "_audit_metadata": {"request": number}}
            case _:
                event |= {"_is_merge": True, "metadata": {"by": {str(number): place}}, "tags": [f"tag{number % 5}"]}
        return event


def _own_rows(rows: dict[str, Row]) -> dict[int, Row]:
    """Return the rows that say which requests are there, by the number of each."""
    return {int(row_id.removeprefix(OWN)): row for row_id, row in rows.items() if row_id.startswith(OWN)}


def _difference(found: dict[str, Document], expected: dict[str, Document]) -> str:
    differ = [row_id for row_id in sorted(found.keys() | expected.keys()) if found.get(row_id) != expected.get(row_id)]
    lines = [f"{row_id} is {found.get(row_id)}, expected {expected.get(row_id)}" for row_id in differ]
    return "; ".join(lines[:4])

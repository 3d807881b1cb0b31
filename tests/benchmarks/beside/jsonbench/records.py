"""Records of the shape and the cardinalities of JSONBench: events of a social network, one JSON object a line.

JSONBench measures on events of Bluesky that cannot be had everywhere, so these are made up, by lot and from a seed.
What the five questions look at is as in the first million of the real ones, and exactly so: how many events each
collection has, how many of them create something, for how many different users, within which time. :data:`TABLE` has
these numbers, smaller sizes get their share, and :func:`check` counts them again. Sizes and paths are about the same:
481 bytes a record on average, posts with replies, embedded things, facets, and now and then a key that few have.

    python -m benchmarks.beside.jsonbench.records 1000000 > bluesky.ndjson

writes a million of them; tests/ must be on PYTHONPATH.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import orjson
from benchmarks.beside.jsonbench.posts import Posts
from numpy.typing import NDArray

MILLION = 1_000_000
BEGIN_US = 1_732_206_349_000_167
"""The first event: 2024-11-21 16:25:49.000167 UTC."""
MILLION_US = 813_100_000
"""A million events come within this time."""
RECORD_BYTES = 481
_CHUNK = 20_000
_PER_USER = 3
"""The higher, the more of a collection's events come from few users."""


@dataclass(frozen=True, slots=True)
class Collection:
    """How many events of a collection are among the first million."""

    name: str
    """Empty for events that are no commit: of an identity or of an account."""
    events: int
    creates: int
    users: int
    """Different users among those who create."""


TABLE = (
    Collection("app.bsky.feed.like", 448_944, 444_523, 117_617),
    Collection("app.bsky.graph.follow", 360_374, 337_978, 63_957),
    Collection("app.bsky.feed.post", 90_816, 86_812, 50_464),
    Collection("app.bsky.feed.repost", 58_540, 56_993, 26_581),
    Collection("app.bsky.graph.block", 14_040, 13_838, 5_785),
    Collection("app.bsky.actor.profile", 11_762, 5_337, 5_337),
    Collection("app.bsky.graph.listitem", 8_103, 7_568, 1_078),
    Collection("", 5_328, 0, 0),
    Collection("app.bsky.graph.listblock", 895, 860, 449),
    Collection("app.bsky.graph.starterpack", 405, 104, 101),
    Collection("app.bsky.graph.list", 356, 259, 218),
    Collection("app.bsky.feed.threadgate", 255, 228, 196),
    Collection("app.bsky.feed.postgate", 104, 101, 82),
    Collection("app.bsky.feed.generator", 74, 10, 9),
    Collection("app.bsky.labeler.service", 4, 0, 0),
)
_UPDATED = frozenset({"app.bsky.actor.profile", "app.bsky.graph.starterpack", "app.bsky.labeler.service"})
"""Collections whose events that create nothing are updates; of others they are deletes."""


def scaled(records: int) -> list[Collection]:
    """Return how many events of each collection are among so many."""
    share = records / MILLION
    table = [
        Collection(c.name, round(c.events * share), round(c.creates * share), round(c.users * share)) for c in TABLE
    ]
    most = table[0]
    # What rounding has added or taken is made good where there is most.
    missing = records - sum(c.events for c in table)
    table[0] = Collection(most.name, most.events + missing, min(most.creates, most.events + missing), most.users)
    return [Collection(c.name, c.events, c.creates, max(c.users, 1) if c.creates else 0) for c in table]


def records(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield records in the order of their times, without line ends."""
    dice = np.random.Generator(np.random.PCG64(seed))
    cast = _Cast.drawn(count, dice)
    posts = Posts(seed)
    for first in range(0, count, _CHUNK):
        yield from _written(cast, slice(first, min(first + _CHUNK, count)), dice, posts)


@dataclass(frozen=True, slots=True)
class _Cast:
    """Which event comes when, whose it is, and what there is to like and to follow."""

    table: list[Collection]
    collections: NDArray[np.int8]
    """For each event the place of its collection in the table."""
    creates: NDArray[np.bool_]
    users: NDArray[np.int64]
    """For each event a place in ``dids``."""
    times: NDArray[np.int64]
    dids: list[str]
    targets: list[tuple[str, str]]
    """CID and address of posts that there are already."""

    @classmethod
    def drawn(cls, count: int, dice: np.random.Generator) -> _Cast:
        table = scaled(count)
        population = max(round(260_000 * count / MILLION), *(c.users for c in table), 1)
        collections: list[NDArray[np.int8]] = []
        creates: list[NDArray[np.bool_]] = []
        users: list[NDArray[np.int64]] = []
        for place, collection in enumerate(table):
            collections.append(np.full(collection.events, place, np.int8))
            creates.append(np.arange(collection.events) < collection.creates)
            users.append(_users_of(collection, population, dice))
        order = dice.permutation(count)
        length = max(MILLION_US * count // MILLION, 2 * count)
        times = BEGIN_US + np.sort(dice.integers(0, length - count, count)) + np.arange(count)
        times[:1] = BEGIN_US
        dids = [f"did:plc:{name}" for name in _base32(population, 24, dice)]
        targets = max(count // 2, 1)
        rkeys = tids(BEGIN_US - dice.integers(0, 90_000_000_000, targets), dice)
        owners = _skewed(population, targets, 2, dice).tolist()
        addresses = [f"at://{dids[o]}/app.bsky.feed.post/{rkey}" for o, rkey in zip(owners, rkeys, strict=True)]
        return cls(
            table,
            np.concatenate(collections)[order],
            np.concatenate(creates)[order],
            np.concatenate(users)[order],
            times,
            dids,
            list(zip(cids(targets, dice), addresses, strict=True)),
        )


def _users_of(collection: Collection, population: int, dice: np.random.Generator) -> NDArray[np.int64]:
    """Return who causes each event, those who create first: each user once, then some more often than others."""
    own = dice.permutation(population)[: max(collection.users, 1)]
    more = own[_skewed(len(own), collection.events - collection.users, _PER_USER, dice)]
    return np.concatenate([own[: collection.users], more]) if collection.users else more


def _skewed(end: int, count: int, power: float, dice: np.random.Generator) -> NDArray[np.int64]:
    """Return numbers below ``end``, small ones more often."""
    return (dice.random(count) ** power * end).astype(np.int64)


_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_SORTED_BASE32 = np.frombuffer(b"234567abcdefghijklmnopqrstuvwxyz", np.uint8)


def _base32(count: int, length: int, dice: np.random.Generator) -> list[str]:
    return _cut(_BASE32[dice.integers(0, 32, (count, length), np.uint8)])


def cids(count: int, dice: np.random.Generator) -> list[str]:
    """Return hashes of contents, as they are written there: 59 characters."""
    return [f"bafyrei{text}" for text in _base32(count, 52, dice)]


def tids(times_us: NDArray[np.int64], dice: np.random.Generator) -> list[str]:
    """Return identifiers made of times, in base 32: 13 characters in the order of the times."""
    numbers = (times_us << 10) | dice.integers(0, 1 << 10, len(times_us))
    digits = (numbers[:, None] >> np.arange(60, -1, -5)) & 31
    return _cut(_SORTED_BASE32[digits])


def _cut(letters: NDArray[np.uint8]) -> list[str]:
    count, length = letters.shape
    text = np.ascontiguousarray(letters).tobytes().decode()
    return [text[place * length : (place + 1) * length] for place in range(count)]


def _written(cast: _Cast, part: slice, dice: np.random.Generator, posts: Posts) -> Iterator[bytes]:
    times = cast.times[part]
    count = len(times)
    created = times - (dice.exponential(900_000, count) + 150_000).astype(np.int64)
    revisions, keys = tids(times - 250_000, dice), tids(created, dice)
    written = np.datetime_as_string(created.astype("datetime64[us]"), unit="ms").tolist()
    contents = cids(count, dice)
    liked = _skewed(len(cast.targets), count, 1.5, dice).tolist()
    followed = _skewed(len(cast.dids), count, 1.5, dice).tolist()
    names = [collection.name for collection in cast.table]
    collections, creates = cast.collections[part].tolist(), cast.creates[part].tolist()
    dids = cast.dids
    for i, (user, time) in enumerate(zip(cast.users[part].tolist(), times.tolist(), strict=True)):
        name = names[collections[i]]
        head = f'{{"did":"{dids[user]}","time_us":{time},"kind":'
        if not name:
            yield (head + _no_commit(dids[user], i, written[i])).encode()
            continue
        operation = "create" if creates[i] else "update" if name in _UPDATED else "delete"
        commit = (
            f'"commit","commit":{{"rev":"{revisions[i]}","operation":"{operation}","collection":"{name}",'
            f'"rkey":"{"self" if name in _UPDATED else keys[i]}"'
        )
        if operation == "delete":
            yield f"{head}{commit}}}}}".encode()
            continue
        at = f'"createdAt":"{written[i]}Z"'
        cid, address = cast.targets[liked[i]]
        if name in {"app.bsky.feed.like", "app.bsky.feed.repost"}:
            record = f'{{"$type":"{name}",{at},"subject":{{"cid":"{cid}","uri":"{address}"}}}}'
        elif name in {"app.bsky.graph.follow", "app.bsky.graph.block"}:
            record = f'{{"$type":"{name}",{at},"subject":"{dids[followed[i]]}"}}'
        elif name == "app.bsky.feed.post":
            record = posts.post(at, lambda: cast.targets[posts.below(len(cast.targets))], dids[followed[i]])
        else:
            record = posts.other(name, at, dids[user], dids[followed[i]], address)
        yield f'{head}{commit},"record":{record},"cid":"{contents[i]}"}}}}'.encode()


def _no_commit(did: str, number: int, time: str) -> str:
    sequence = f'"seq":{3_400_000_000 + number},"time":"{time}Z"'
    if number % 3:
        return f'"identity","identity":{{"did":"{did}","handle":"{did[8:20]}.bsky.social",{sequence}}}}}'
    if number % 4:
        return f'"account","account":{{"active":true,"did":"{did}",{sequence}}}}}'
    return f'"account","account":{{"active":false,"did":"{did}",{sequence},"status":"deactivated"}}}}'


@dataclass(frozen=True, slots=True)
class Counted:
    """What records have, counted."""

    table: list[Collection]
    bytes_per_record: float
    first_us: int
    last_us: int


def counted(lines: Iterable[bytes]) -> Counted:
    """Return what the five questions look at, counted without any database."""
    events: Counter[str] = Counter()
    creates: Counter[str] = Counter()
    users: dict[str, set[str]] = defaultdict(set)
    size = 0
    times: list[int] = []
    for line in lines:
        record = orjson.loads(line)
        commit = record.get("commit", {})
        name = commit.get("collection", "")
        events[name] += 1
        if commit.get("operation") == "create":
            creates[name] += 1
            users[name].add(record["did"])
        size += len(line) + 1
        times.append(record["time_us"])
    table = [Collection(name, count, creates[name], len(users[name])) for name, count in events.most_common()]
    return Counted(table, size / max(len(times), 1), min(times, default=0), max(times, default=0))


def check(lines: Iterable[bytes], count: int) -> None:
    """Raise AssertionError where records are not what :data:`TABLE` says of so many."""
    found = counted(lines)
    expected = {c.name: c for c in scaled(count) if c.events}
    assert {c.name: c for c in found.table} == expected, "other cardinalities than the table's"
    assert abs(found.bytes_per_record / RECORD_BYTES - 1) < 0.03, f"{found.bytes_per_record} bytes a record"
    assert found.first_us == BEGIN_US, "another first time"
    assert found.last_us - BEGIN_US <= max(MILLION_US * count // MILLION, 2 * count), "a longer time"


if __name__ == "__main__":
    for line in records(int(sys.argv[1])):
        sys.stdout.buffer.write(line + b"\n")

"""The calls that are made to the service of a bucket: S3 and what speaks like it, Google's, Azure's.

Each call is counted, tried again for a bounded time where that is safe, and explained where it fails. Files are
streamed, so memory does not depend on their size.

Reads and whole uploads may be repeated as they are. **Put-if-absent** may not: when an answer is lost, the next try
finds the name taken, perhaps by the try before. So each such put carries a token of its own among the object's
metadata, and where the name is taken after a lost answer, the token tells whether by us.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote
from uuid import uuid4

from btql_storage.addresses import shown
from btql_storage.errors import BadLocation, Damaged, NotInstalled, StorageError, Unreachable
from btql_storage.stores.cache import Expect
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.remote_errors import (
    did_nothing,
    explain,
    explain_opening,
    is_for_later,
    is_unsupported,
    names_no_bucket,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take."""

    whole_s: float = 60.0
    """How long it is tried again."""
    silence_s: float = 30.0
    """How long the service may be silent in one try; a file of any size may take as long as it takes."""


PATIENCE = Patience()
_PAUSE_S = 0.1
_PAUSE_S_MAX = 2.0
_CHUNK_BYTES = 8 << 20
_CHUNKS_AT_ONCE = 4
"""Of one upload: four parts of 8 MiB are in memory."""
_NONCE = "btqlput"
"""Azure takes letters and digits only."""
_LIST_CHUNK = 1_000
_ENDPOINT = re.compile(r"https?://[^\s/:@]+(:\d+)?(/[^\s?#]*)?")
_ENDPOINTS = {"s3": "endpoint", "gs": "base_url", "az": "endpoint"}


class Remote:
    """The objects below one prefix of a bucket; safe from several threads."""

    def __init__(self, address: str, *, endpoint: str | None = None, patience: Patience = PATIENCE) -> None:
        scheme, _, path = address.partition("://")
        self.address = f"{scheme}://{'/'.join(step for step in path.split('/') if step)}"
        self.calls: Counter[str] = Counter()
        self._patience = patience
        self._store = _open(self.address, endpoint, patience, retries=10)
        # Puts with a condition must know how each try went.
        self._once = _open(self.address, endpoint, patience, retries=0)
        self.has_conditional_put = True
        """False once the service has refused a put with a condition."""

    def where(self, name: str) -> str:
        """Return the address of an object."""
        return f"{self.address}/{name}" if name else self.address

    def put_new(self, name: str, content: bytes) -> None:
        """Store an object under a name that is free; AlreadyThere where it is taken.

        Where the service knows no such put, it is looked first: no two writers have the same name, and of those who
        were overtaken nobody reads the file (:meth:`~btql_storage.coordination.numbers.Numbers.confirm`).
        """
        token = uuid4().hex
        unsure = False
        until = time.monotonic() + self._patience.whole_s
        pause_s = _PAUSE_S
        while True:
            try:
                self._put_once(name, content, token)
            except AlreadyThere:
                if unsure and self._token_of(name) == token:
                    return
                raise
            except Exception as error:
                problem = self._problem(error, "write", name)
                if not isinstance(problem, Unreachable):
                    if unsure and isinstance(problem, StorageError):
                        # This try was refused, and the one before may have got through.
                        raise _given_up(problem, unsure=True) from error
                    raise problem from error
                unsure |= not did_nothing(error)
                if time.monotonic() + pause_s > until:
                    raise _given_up(problem, unsure=unsure) from error
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_S_MAX)
            else:
                return

    def upload(self, name: str, content: Path | Iterable[bytes]) -> None:
        """Store a file, or what comes in pieces; what has the name is replaced."""
        import obstore

        with self._explained("put", "write", name):
            obstore.put(self._store, name, content, chunk_size=_CHUNK_BYTES, max_concurrency=_CHUNKS_AT_ONCE)

    def read(self, name: str) -> bytes | None:
        """Return a small object; None where there is none."""
        import obstore

        try:
            with self._explained("get", "read", name):
                return bytes(obstore.get(self._store, name).bytes())
        except Damaged:
            return None

    def download(self, name: str, path: Path, expect: Expect) -> None:
        """Write an object to a file; Damaged where there is none."""
        import obstore

        with self._explained("get", "read", name):
            found = obstore.get(self._store, name)
            expect(found.meta["size"])
            with path.open("wb") as file:
                for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
                    file.write(chunk)

    def chunks(self, name: str, expect: Expect) -> Iterator[bytes]:
        """Yield an object in pieces; Damaged where there is none."""
        import obstore

        with self._explained("get", "read", name):
            found = obstore.get(self._store, name)
            expect(found.meta["size"])
            yield from map(bytes, found.stream(min_chunk_size=1 << 20))

    def size(self, name: str) -> int:
        """Return the bytes of an object; 0 where there is none."""
        import obstore

        try:
            with self._explained("head", "look at", name):
                return obstore.head(self._store, name)["size"]
        except Damaged:
            return 0

    def objects(self, folder: str, after: str = "") -> Iterator[tuple[str, int]]:
        """Yield name and size of all objects below a folder, of those after a name where one is given."""
        import obstore

        prefix = f"{folder}/"
        with self._explained("list", "list", folder):
            offset = prefix + after if after else None
            listing: Iterable[Sequence[ObjectMeta]] = obstore.list(
                self._store, folder, offset=offset, chunk_size=_LIST_CHUNK
            )
            for chunk in listing:
                self.calls["list"] += 1
                for one in chunk:
                    name = one["path"].removeprefix(prefix)
                    # Not every service knows where to begin.
                    if name > after:
                        yield name, one["size"]
            # A listing of a thousand takes one call; the first was counted on the way in.
            self.calls["list"] -= 1

    def entries(self, folder: str) -> list[str]:
        """Return what is right below a folder: objects and folders."""
        import obstore

        prefix = f"{folder}/"
        with self._explained("list", "list", folder):
            found = obstore.list_with_delimiter(self._store, folder)
            names = [*found["common_prefixes"], *(one["path"] for one in found["objects"])]
        return sorted(name.removeprefix(prefix) for name in names)

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; nothing happens where one is missing."""
        import obstore

        if not names:
            return
        try:
            with self._explained("delete", "remove", names[0]):
                obstore.delete(self._store, list(names))
        except Damaged:
            # One of them was missing, which ends the call for some services.
            if len(names) > 1:
                for name in names:
                    self.delete([name])

    def _put_once(self, name: str, content: bytes, token: str) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        self.calls["put"] += 1
        try:
            if self.has_conditional_put:
                obstore.put(self._once, name, content, mode="create", use_multipart=False, attributes={_NONCE: token})
                return
        except AlreadyExistsError as error:
            if is_for_later(error):
                raise
            raise AlreadyThere(self.where(name)) from error
        except Exception as error:
            if not is_unsupported(error):
                raise
            self.has_conditional_put = False
        self.calls["head"] += 1
        try:
            obstore.head(self._once, name)
        except FileNotFoundError:
            obstore.put(self._once, name, content, use_multipart=False, attributes={_NONCE: token})
        else:
            raise AlreadyThere(self.where(name))

    def _token_of(self, name: str) -> str | None:
        import obstore

        try:
            with self._explained("get", "read", name):
                return obstore.get(self._store, name).attributes.get(_NONCE)
        except Damaged:
            # It was removed again.
            return None

    @contextmanager
    def _explained(self, call: str, action: str, name: str) -> Generator[None]:
        self.calls[call] += 1
        try:
            yield
        except Exception as error:
            problem = self._problem(error, action, name)
            if problem is error:
                raise
            raise problem from error

    def _problem(self, error: Exception, action: str, name: str) -> Exception:
        """Return what an error of the library means; other errors as they are."""
        from obstore.exceptions import BaseError

        is_missing = isinstance(error, FileNotFoundError) and action != "write"
        if is_missing and not names_no_bucket(str(error)):
            return Damaged(f"`{self.where(name)}` is missing", "restore the database from a backup")
        if isinstance(error, (BaseError, FileNotFoundError, PermissionError)):
            return explain(error, action, self.where(name))
        return error


def _given_up(problem: StorageError, *, unsure: bool) -> Unreachable:
    if not unsure:
        return Unreachable(f"{problem.message}; nothing was stored", problem.help)
    return Unreachable(problem.message, "what it was to hold may be stored or not: look before repeating the call")


def _open(address: str, endpoint: str | None, patience: Patience, *, retries: int) -> ObjectStore:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        raise NotInstalled("obstore", f"`{address}`") from error
    scheme, _, path = address.partition("://")
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise BadLocation(f"`{shown(endpoint)}` is no address of a service", "give one such as https://host:9000")
    config = {} if endpoint is None else {_ENDPOINTS[scheme]: endpoint}
    # Which options there are depends on the kind of address, which only this knows.
    open_any = cast("Callable[..., ObjectStore]", from_url)
    try:
        return open_any(
            f"{scheme}://{quote(path)}",
            config=config,
            # Who names an http endpoint wants it; everything else is https.
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=min(5.0, patience.silence_s)),
                # Of a whole request, so a large file may take its time; one that stands still is given up.
                "timeout": timedelta(days=1),
                "read_timeout": timedelta(seconds=patience.silence_s),
            },
            retry_config={
                "max_retries": retries,
                "retry_timeout": timedelta(seconds=patience.whole_s),
                "backoff": {
                    "init_backoff": timedelta(seconds=_PAUSE_S),
                    "max_backoff": timedelta(seconds=_PAUSE_S_MAX),
                    "base": 2,
                },
            },
        )
    except BaseError as error:
        # What it says of a key that it cannot use is in the first line.
        raise explain_opening(error, address) from error

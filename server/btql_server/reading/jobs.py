"""Queries in the background: each is a folder below ``background/`` of the database, with a record, rows, and a lock.

1. The record (``job.json``) is replaced as a whole, so that every process of the server reads one state or the next.
2. Whoever runs a job holds its lock until the record says how it ended. A job that is not ended and whose lock is
   free was left by a process that is gone: it failed.
3. Another process cancels by a file, ``cancel``, that the one who runs the job looks for.
4. What is kept is bounded, in number, in bytes and in time; the oldest results go first. A purge removes all
   (:mod:`btql_storage.retention.answers`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import msgspec
from filelock import FileLock

from btql.errors import Cancelled, Error
from btql.execution.stop import Stop
from btql_server.http.errors import HttpError
from btql_server.registry.store import now_text
from btql_storage.errors import StorageError, from_os_error
from btql_storage.retention.answers import ANSWERS, CANCEL, LOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from btql_server.settings import Settings

THREADS = 2
WAITING_MAX = 64
OF_ONE_MAX = 16
"""Queries of one key that have not ended, so that there is room for those of others."""
_LOOK_S = 0.2
"""How long after it was looked for the file that cancels a job is looked for again; a query asks far more often."""
Status = Literal["queued", "running", "canceled", "succeeded", "failed"]
ENDED = frozenset({"canceled", "succeeded", "failed"})


class Job(msgspec.Struct, kw_only=True):
    """The record of a query in the background."""

    id: str
    org_id: str
    asked_by: str
    """The key that asked; nobody else may see the rows, but administrators of the organization."""
    read: list[tuple[str, str]] | None = None
    """Kind and id of each object that the query reads, as whoever sees the rows must be allowed to read them still.
    None in a record of before they were noted: nobody knows what its rows are of."""
    status: Status
    created: str
    object_id: str | None = None
    """The first object that the query reads."""
    rows: int = 0
    bytes: int = 0
    ended: str | None = None
    error: str | None = None


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_job = msgspec.json.Decoder(Job).decode


class _Over:
    """Says whether a job is to stop: it was cancelled, here or by another process, or this process ends."""

    def __init__(self, path: Path, cancelled: Event, closing: Event) -> None:
        self._file = path / CANCEL
        self._cancelled = cancelled
        self._closing = closing
        self._look_at = 0.0

    def __call__(self) -> bool:
        if self._cancelled.is_set() or self._closing.is_set():
            return True
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_S
        if self._file.exists():
            self._cancelled.set()
        return self._cancelled.is_set()


class Jobs:
    """The jobs of one database, and the threads that run those of this process."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data / ANSWERS
        self._limits = settings.limits
        self.of_many_servers = settings.location.shares_catalog
        """Whether other servers of the same database may have jobs of their own."""
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="btql-background")
        self._running: dict[str, Event] = {}
        """The jobs of this process that have not ended, with what cancels them."""
        self._askers: dict[str, str] = {}
        """And who asked for them."""
        self._closing = Event()
        self.clean()

    def close(self) -> None:
        """Stop what runs; it failed."""
        self._closing.set()
        self._executor.shutdown(wait=True)

    def start(
        self,
        org_id: str,
        asked_by: str,
        ask: Callable[[Stop], Iterator[bytes]],
        read: Mapping[tuple[str, str], None],
        seconds: float,
    ) -> Job:
        """Begin a job; ``ask`` compiles the query, whose mistakes are raised here, and its lines are read later.

        ``read`` has the objects that the query reads, once it is compiled; it may take so many ``seconds`` from now.
        """
        if len(self._running) >= WAITING_MAX + THREADS:
            raise HttpError(503, f"{WAITING_MAX} queries in the background are waiting already", retry_after_s=10)
        if sum(each == asked_by for each in list(self._askers.values())) >= OF_ONE_MAX:
            message = f"{OF_ONE_MAX} queries of this key are in the background already"
            raise HttpError(429, message, retry_after_s=10)
        self.clean()
        cancelled = Event()
        job_id = str(uuid4())
        stop = Stop(seconds, _Over(self._path(job_id), cancelled, self._closing))
        lines = ask(stop)
        job = Job(id=job_id, org_id=org_id, asked_by=asked_by, status="queued", created=now_text())
        job.read = list(read)
        job.object_id = job.read[0][1] if job.read else None
        lock = self._record(job)
        self._running[job_id] = cancelled
        self._askers[job_id] = asked_by
        self._executor.submit(self._run, job, lines, lock)
        return job

    def _record(self, job: Job) -> FileLock:
        """Make the record of a new job; return its lock, held. Nothing is left of one that cannot be recorded."""
        path = self._path(job.id)
        lock = FileLock(path / LOCK, thread_local=False)
        try:
            path.mkdir(parents=True)
            lock.acquire()
            self._save(job)
        except OSError as error:
            lock.release()
            shutil.rmtree(path, ignore_errors=True)
            raise from_os_error(error, "write", path) from error
        return lock

    def get(self, job_id: str) -> Job | None:
        """Return a job; None where there is none of that id."""
        job = self._load(job_id)
        if job is None or job.status in ENDED or job_id in self._running:
            return job
        try:
            with FileLock(self._path(job_id) / LOCK, timeout=0):
                # It may have ended since it was read.
                job = self._load(job_id)
                if job is not None and job.status not in ENDED:
                    self._end(job, "failed", "the server stopped before the query was done: ask again")
        except OSError:
            # A timeout is one: another process runs it. Or the end cannot be written down; it has failed all the same.
            pass
        return job

    def cancel(self, job: Job) -> Job:
        """Cancel a job that has not ended; remove the rows of one that has."""
        if job.status in ENDED:
            shutil.rmtree(self._path(job.id), ignore_errors=True)
            return job
        (self._path(job.id) / CANCEL).touch()
        if (mine := self._running.get(job.id)) is not None:
            mine.set()
        job.status = "canceled"
        return job

    def page(self, job: Job, start: int, limit: int, bytes_max: int) -> tuple[Sequence[bytes], int | None]:
        """Return lines of JSON from a place in the rows, and the place behind them; None at the end."""
        if start < 0:
            raise ValueError(start)
        with (self._path(job.id) / "rows.jsonl").open("rb") as file:
            if start > 0:
                file.seek(start - 1)
                if file.read(1) != b"\n":
                    raise ValueError(start)
            lines: list[bytes] = []
            size = 0
            while len(lines) < limit and size < bytes_max and (line := file.readline()):
                lines.append(line.rstrip(b"\n"))
                size += len(line)
            place = start + size
            return lines, place if place < job.bytes else None

    def clean(self) -> None:
        """Remove results that are too old, and the oldest while there are too many, or too many bytes."""
        ended = sorted(
            (job for job in self._all() if job.ended is not None), key=lambda job: job.ended or "", reverse=True
        )
        oldest = time.time() - self._limits.background_kept_s
        kept = 0
        for number, job in enumerate(ended):
            kept += job.bytes
            too_many = number >= self._limits.background_kept_max or kept > self._limits.background_bytes_max
            if too_many or self._modified(job) < oldest:
                shutil.rmtree(self._path(job.id), ignore_errors=True)

    def _run(self, job: Job, lines: Iterator[bytes], lock: FileLock) -> None:
        try:
            job.status = "running"
            self._save(job)
            self._write(job, lines)
            self._end(job, "succeeded")
        except Cancelled:
            by_server = self._closing.is_set() and not self._running[job.id].is_set()
            self._end(job, *(("failed", "the server stopped: ask again") if by_server else ("canceled", None)))
        except (Error, StorageError, HttpError, OSError) as error:
            self._end(job, "failed", str(error))
        except BaseException:
            self._end(job, "failed", "internal error")
            raise
        finally:
            self._running.pop(job.id, None)
            self._askers.pop(job.id, None)
            lock.release()

    def _write(self, job: Job, lines: Iterator[bytes]) -> None:
        with (self._path(job.id) / "rows.jsonl").open("wb") as file:
            for piece in lines:
                job.bytes += file.write(piece)
                job.rows += piece.count(b"\n")
                if job.bytes > self._limits.background_bytes_max:
                    most = self._limits.background_bytes_max
                    raise HttpError(413, f"the answer has more than {most:,} bytes: ask for fewer rows at a time")
            file.flush()
            os.fsync(file.fileno())

    def _end(self, job: Job, status: Status, error: str | None = None) -> None:
        job.status, job.error, job.ended = status, error, now_text()
        if status != "succeeded":
            job.rows = job.bytes = 0
            with suppress(OSError):
                (self._path(job.id) / "rows.jsonl").unlink(missing_ok=True)
        self._save(job)

    def _save(self, job: Job) -> None:
        path = self._path(job.id) / "job.json"
        new = path.with_suffix(f".{os.getpid()}")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(job))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def _load(self, job_id: str) -> Job | None:
        try:
            return _job((self._path(job_id) / "job.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None

    def _all(self) -> Iterator[Job]:
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                job = self.get(path.name)
                if job is not None:
                    yield job

    def _modified(self, job: Job) -> float:
        with suppress(OSError):
            return (self._path(job.id) / "job.json").stat().st_mtime
        return time.time()

    def _path(self, job_id: str) -> Path:
        return self._folder / job_id

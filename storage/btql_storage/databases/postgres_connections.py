"""Connections to PostgreSQL: the address, a pool that survives restarts of the server, and what its errors mean.

Nobody is waited for without end, whatever becomes of the network: the server ends a transaction of ours that stands
still and gives up a lock it cannot have, and here an answer that does not come makes the connection one that is lost.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast
from urllib.parse import parse_qsl, urlencode

from btql_storage.addresses import shown
from btql_storage.databases.interface import Answer, Value
from btql_storage.errors import (
    AccessDenied,
    BadLocation,
    BadText,
    Damaged,
    DiskFull,
    InputOutput,
    Locked,
    NotADatabase,
    NotInstalled,
    ReadOnly,
    StorageError,
    Unreachable,
)

if TYPE_CHECKING:
    import psycopg

DEFAULT_SCHEMA = "btql"
STANDS_STILL_S = 10
"""How long a transaction may do nothing before the server ends it: its process was paused, or its network cut."""
_CONNECT_S = 10
ANSWER_S = 15.0
"""How long an answer may take that no lock keeps waiting."""
_RECONNECT_S = 5.0
"""How long a server that was there may be away before that is an error: it may just be restarted."""
_IDLE_MAX = 8
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_KEEPALIVES = {
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


_BY_STATE: dict[tuple[str, ...], tuple[type[StorageError], str]] = {
    ("25P03",): (Locked, "the transaction did nothing for too long and was given up: try again, nothing was changed"),
    ("55P03", "57014", "40"): (Locked, "wait for the other process to finish and try again"),
    ("22021",): (BadText, "leave that character out"),
    ("08", "57P", "53300"): (Unreachable, "see that the server runs and takes connections, then try again"),
    ("53100",): (DiskFull, "free some space on the server and try again, nothing was changed"),
    ("25006",): (ReadOnly, "give the server that can be written to, or open the database read-only"),
    ("28", "3F000", "42501"): (AccessDenied, "check user, password and what the user may do in the schema"),
    ("3D000",): (NotADatabase, "make it with `createdb`, or check the name in the address"),
    ("42P01", "42703", "XX001", "XX002"): (Damaged, "restore the catalog from a backup"),
}
_BY_WORDS: dict[tuple[str, ...], tuple[type[StorageError], str]] = {
    ("authentication failed", "no password supplied", "pg_hba.conf", "permission denied", 'FATAL: role "'): _BY_STATE[
        "28", "3F000", "42501"
    ],
    ("does not exist",): _BY_STATE[("3D000",)],
    ("NUL (0x00)",): _BY_STATE[("22021",)],
    (
        "invalid connection option",
        "invalid URI",
        "invalid percent-encoded",
        "invalid integer value",
        "invalid sslmode",
    ): (
        BadLocation,
        "check the address of the catalog",
    ),
}


class Cursor(Answer, Protocol):
    """What is used of a cursor of psycopg."""

    def executemany(self, query: str, params_seq: Sequence[Sequence[Value]], /) -> None:
        """Run a statement for each of many rows."""
        ...


class Connection(Protocol):
    """What is used of :class:`~btql_storage.databases.patient.PatientConnection`."""

    answer_s: float

    @property
    def closed(self) -> bool:
        """Whether it was closed, by us or others."""
        ...

    @property
    def broken(self) -> bool:
        """Whether it was closed by others."""
        ...

    def execute(self, query: str, params: Sequence[Value] = (), /) -> Answer:
        """Run a statement with ``$1``, ``$2`` ... for values."""
        ...

    def cursor(self) -> Cursor:
        """Return what runs a statement for many rows."""
        ...

    def pipeline(self) -> AbstractContextManager[object]:
        """Send statements without waiting for the answers to those before."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Address(NamedTuple):
    """Where a database is, and in which of its schemas our tables are."""

    url: str
    schema: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Take the schema out of an address: the parameter ``schema`` is ours, all others are the server's."""
        base, _, query = url.partition("?")
        parameters = parse_qsl(query, keep_blank_values=True)
        schema = dict(parameters).get("schema", DEFAULT_SCHEMA)
        if not _NAME.fullmatch(schema):
            raise BadLocation(
                f"`schema={schema}` of `{shown(base)}` is no name of a schema",
                "a schema is named by small letters, digits and _",
            )
        others = urlencode([(name, value) for name, value in parameters if name != "schema"])
        return cls(f"{base}?{others}" if others else base, schema)

    @property
    def label(self) -> str:
        """What to call it in messages."""
        known = shown(self.url)
        if self.schema == DEFAULT_SCHEMA:
            return known
        return f"{known}{'&' if '?' in known else '?'}schema={self.schema}"


class Connections:
    """Connections that are used again; safe from several threads."""

    def __init__(self, url: str, *, wait_s: float) -> None:
        self.address = Address.of(url)
        self._wait_s = wait_s
        self._guard = Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self.give(self._connect())

    def take(self) -> Connection:
        """Return a connection that is nobody else's; it may have been lost since it was used last."""
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._reconnect()

    def give(self, connection: Connection) -> None:
        """Take a connection back for others."""
        with self._guard:
            if not self._closed and len(self._idle) < _IDLE_MAX and not connection.closed:
                self._idle.append(connection)
                return
        close(connection)

    def fresh(self) -> Connection:
        """Return a connection that was just made, after one was found to be lost: then the others are, too."""
        self._drop()
        return self._reconnect()

    def close(self) -> None:
        """Close all connections, now or when they come back."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            close(connection)

    def _reconnect(self) -> Connection:
        deadline = time.monotonic() + _RECONNECT_S
        pause_s = 0.02
        while True:
            try:
                return self._connect()
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
            # Not all at the same moment, where many were cut off together.
            time.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  no secret
            pause_s = min(pause_s * 2, 0.5)

    def _connect(self) -> Connection:
        patience_ms = int(max(self._wait_s, 0.001) * 1000)
        options = (
            f"-c search_path={self.address.schema} -c lock_timeout={patience_ms}"
            f" -c idle_in_transaction_session_timeout={STANDS_STILL_S * 1000}"
        )
        try:
            import psycopg
            from psycopg.conninfo import make_conninfo

            from btql_storage.databases.patient import PatientConnection
        except ImportError as error:
            raise NotInstalled("psycopg", "a catalog in PostgreSQL") from error
        with explained(self.address.label):
            given = _given(self.address.url)
            if "options" in given:
                options = f"{given['options']} {options}"
            defaults = {"connect_timeout": str(_CONNECT_S), "application_name": "btql", **_KEEPALIVES}
            missing = {name: value for name, value in defaults.items() if name not in given}
            conninfo = make_conninfo(self.address.url, options=options, **missing)
            connection = PatientConnection.connect(conninfo, autocommit=True, cursor_factory=psycopg.RawCursor)
            return cast("Connection", connection)


def _given(url: str) -> dict[str, object]:
    """Return the parameters that an address has."""
    from psycopg.conninfo import conninfo_to_dict

    return dict(conninfo_to_dict(url))


def close(connection: Connection) -> None:
    """Close a connection, whatever state it is in."""
    with suppress(Exception):
        connection.close()


def is_lost(connection: Connection) -> bool:
    """Return whether a connection can be used no more."""
    return connection.closed or connection.broken


@contextmanager
def explained(label: str) -> Generator[None]:
    """Turn what PostgreSQL says into one clear line."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _explain(error, label) from error


def _explain(error: psycopg.Error, label: str) -> StorageError:
    words = " ".join(str(error).splitlines()[0].split()) if str(error) else type(error).__name__
    text = f"PostgreSQL `{label}`: {words}"
    for states, (kind, way_out) in _BY_STATE.items():
        if error.sqlstate is not None and error.sqlstate.startswith(states):
            return kind(text, way_out)
    if error.sqlstate is not None:
        return InputOutput(text, "look into the server's log, then try again")
    # The client library tells of what happens before there is a connection in words only.
    for found, (kind, way_out) in _BY_WORDS.items():
        if any(word in words for word in found):
            return kind(text, way_out)
    return Unreachable(text, "see that the server runs and can be reached, then try again")

"""How a server is set up: what ``btql serve`` takes, with the defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from btql_storage import limits as storage_limits
from btql_storage.opening.location import Location, locate


@dataclass(frozen=True, slots=True)
class Limits(storage_limits.Limits):
    """What one request may ask for; each error that cites one names it. Those of the storage are lower here."""

    request_bytes_max: int = 256 << 20
    """Body of a request as it is sent, and after decompression."""
    document_bytes_max: int = 64 << 20
    decompression_ratio_max: int = 200
    """How many times larger a body may become when it is decompressed, beyond the first MiB."""
    body_wait_s: float = 60.0
    """How long a client may send nothing in the middle of a body."""
    attachment_bytes_max: int = 1 << 30
    query_seconds_default: float = 30.0
    query_seconds_max: float = 300.0
    query_rows_default: int = 1_000
    """The limit of a query that has none of its own."""
    query_rows_max: int = 1_000
    """A larger limit of a query is lowered to this one, unless it says ``disable_limit``."""
    background_seconds_max: float = 3_600.0
    """How long a query in the background may run."""
    background_bytes_max: int = 4 << 30
    """Rows of queries in the background that are kept, all together."""
    background_kept_max: int = 1_000
    """How many queries in the background are kept once they have ended."""
    background_kept_s: float = 86_400.0
    """How long rows of queries in the background are kept."""
    logs3_payload_bytes_max: int = 64 << 20
    """What ``/version`` tells SDKs, unless a request may have less; larger batches are sent by ``/logs3/overflow``."""
    pg_connections_max: int = 500
    """Connections of the Postgres wire that one worker has open at the same time."""
    refused_wait_s: float = 0.5
    """How long the answer to a wrong password of the Postgres wire waits; longer after each one of an address."""
    requests_per_minute: int | None = None
    """For one key; None is no limit."""
    queries_per_minute: int | None = None
    """For one key and object; None is no limit."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One server."""

    data: Path
    """The folder of the database; of one that is elsewhere, the folder for what this machine keeps of it: files that
    are being received, and rows of queries in the background."""
    http: tuple[str, int] = ("127.0.0.1", 8000)
    pg: tuple[str, int] | None = None
    """Where the Postgres wire is spoken."""
    flight: tuple[str, int] | None = None
    """Where Flight SQL listens; None is nowhere."""
    tls_cert: Path | None = None
    """A certificate and its chain, in PEM, for the doors that speak TLS."""
    tls_key: Path | None = None
    workers: int = 1
    insecure_no_auth: bool = False
    public_url: str | None = None
    """Where clients reach the server, if its ``Host`` header does not tell."""
    origins: tuple[str, ...] = ()
    """Origins of pages, beside Braintrust's own, that browsers may send requests from."""
    redis: str | None = None
    """Where rate limits are counted for several workers or machines; None counts in the process."""
    maintained: bool = False
    """Whether a process of its own compacts; else whoever needs it does."""
    compact_after_s: float = 30.0
    """How long events may wait before they are compacted."""
    compact_after_bytes: int = 16 << 20
    """How much JSON may wait before it is compacted."""
    compact_cpu: float = 1.0
    """How much of one core's time compaction may use, at most 1."""
    compact_bytes_per_s: int | None = None
    """How much JSON compaction may write in a second; None is no limit."""
    waiting_bytes_max: int = 256 << 20
    """How much JSON may wait for compaction before writers are told to come back; from half of it on they wait."""
    stop_grace_s: float = 5.0
    """How long requests may go on when the server is asked to stop."""
    log_level: str = "info"
    limits: Limits = field(default_factory=Limits)
    layout: str | None = None
    """Of parts that are written, where the configuration file says one (:mod:`btql_storage.part.layout`)."""
    database: str | None = field(default=None, repr=False)
    """The address or name of a database that is elsewhere (:mod:`btql_storage.opening.location`)."""

    @property
    def location(self) -> Location:
        """Where the database is."""
        location = locate(self.database or self.data)
        return replace(location, layout=self.layout or location.layout)

    def to_json(self) -> bytes:
        """Return the settings as JSON, for a child process."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def from_json(cls, text: bytes) -> Settings:
        """Return the settings that :meth:`to_json` wrote."""
        return msgspec.json.decode(text, type=cls, dec_hook=lambda kind, value: kind(value))

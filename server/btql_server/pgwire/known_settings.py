"""The settings that are known, their defaults, and what each of them takes.

Few of them do anything here: ``statement_timeout`` ends statements, ``client_min_messages`` says which notices are
sent, and ``btql.tz_offset``, ``btql.version`` and ``btql.lint`` are options of queries. The others are what drivers
set when they connect; they are taken if what they ask for is how this server works anyway, or if they change nothing
that anybody could see. What would be a lie is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from btql_grammar.sources import KINDS
from btql_server.pgwire.failure import Failure, unsupported

SERVER_VERSION = "15.0"
"""The release of PostgreSQL whose catalog is answered: clients choose their queries by it."""
TRANSACTION_READ_ONLY = "transaction_read_only"
"""Of the transaction that is open; the default of the session only says how one begins."""
LEVELS = ("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")
_MILLISECONDS = {"": 1, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "us": 0.001}
_DURATION = re.compile(r"\s*+(-?\d+(?:\.\d+)?)\s*+([a-z]*)\s*+")
_VALUE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Variable:
    """A setting that is known."""

    default: str
    check: Callable[[str, str], str]
    """Returns the value as it is kept; raises for one that cannot be."""
    reported: bool = False
    """Whether clients are told of each change."""
    spelled: str | None = None
    """The name as clients expect it, if not in lower case."""


def anything(name: str, value: str) -> str:
    """Take any value of a bearable length."""
    if len(value) > _VALUE_MAX:
        raise invalid(name, value)
    return value


def _only(*allowed: str, hint: str | None = None) -> Callable[[str, str], str]:
    def check(name: str, value: str) -> str:
        if value.lower() not in allowed:
            raise invalid(name, value, hint)
        return value

    return check


def fixed(name: str, value: str) -> str:  # noqa: ARG001
    """Take nothing."""
    raise Failure("55P02", f'parameter "{name}" cannot be changed')


def _boolean(name: str, value: str) -> str:
    word = value.lower()
    for full, value_ in {
        "true": "on",
        "on": "on",
        "yes": "on",
        "1": "on",
        "false": "off",
        "off": "off",
        "no": "off",
        "0": "off",
    }.items():
        if word == full:
            return value_
    raise invalid(name, value, f'parameter "{name}" requires a Boolean value')


def _on(name: str, value: str) -> str:
    if _boolean(name, value) != "on":
        raise unsupported(f'parameter "{name}" can only be on', "leave it as it is")
    return "on"


def _encoding(name: str, value: str) -> str:
    # asyncpg sends the value with its quotes.
    if value.lower().strip("'").replace("-", "").replace("_", "") not in ("utf8", "unicode", "default"):
        raise Failure("22023", f'invalid value for parameter "{name}": "{value[:40]}"', "only UTF8 is spoken here")
    return "UTF8"


def _dates(name: str, value: str) -> str:
    words = {each.strip().lower() for each in value.split(",")}
    if not words <= {"iso", "mdy", "dmy", "ymd", "us", "european", "default"}:
        raise invalid(name, value, "times are written in ISO 8601 only")
    return "ISO, MDY"


def _duration(name: str, value: str) -> str:
    found = _DURATION.fullmatch(value.lower())
    if found is None or found[2] not in _MILLISECONDS:
        raise invalid(name, value, 'valid units are "us", "ms", "s", "min", "h" and "d"')
    milliseconds = float(found[1]) * _MILLISECONDS[found[2]]
    if not 0 <= milliseconds < 1 << 31:
        raise Failure("22023", f'{found[1]} ms is outside the valid range for parameter "{name}" (0 .. 2147483647)')
    return _spelled_duration(round(milliseconds))


def milliseconds_of(kept: str) -> float:
    """Return how long a setting says, as it is kept."""
    found = _DURATION.fullmatch(kept)
    assert found is not None
    return float(found[1]) * _MILLISECONDS[found[2]]


def _spelled_duration(milliseconds: int) -> str:
    if not milliseconds:
        return "0"
    for unit in ("d", "h", "min", "s"):
        if milliseconds % _MILLISECONDS[unit] == 0:
            return f"{milliseconds // int(_MILLISECONDS[unit])}{unit}"
    return f"{milliseconds}ms"


def _isolation(name: str, value: str) -> str:
    if value.lower() not in ("serializable", "repeatable read", "read committed", "read uncommitted", "default"):
        raise invalid(name, value)
    return "repeatable read"


def unknown(name: str) -> Failure:
    """Return the error for a setting that there is not."""
    message = f'unrecognized configuration parameter "{name[:80]}"'
    return Failure(
        "42704", message, "SHOW ALL lists all of them; settings of clients have a dot in their names, as `a.b`"
    )


def invalid(name: str, value: str, hint: str | None = None) -> Failure:
    """Return the error for a value that a setting does not take."""
    return Failure("22023", f'invalid value for parameter "{name}": "{value[:80]}"', hint)


KNOWN: Mapping[str, Variable] = {
    "server_version": Variable(SERVER_VERSION, fixed, reported=True),
    "server_version_num": Variable("150000", fixed),
    "server_encoding": Variable("UTF8", fixed, reported=True),
    "client_encoding": Variable("UTF8", _encoding, reported=True),
    "application_name": Variable("", anything, reported=True),
    "default_transaction_read_only": Variable("off", _boolean, reported=True),
    "in_hot_standby": Variable("off", fixed, reported=True),
    "is_superuser": Variable("off", fixed, reported=True),
    "session_authorization": Variable("", fixed, reported=True),
    "datestyle": Variable("ISO, MDY", _dates, reported=True, spelled="DateStyle"),
    "intervalstyle": Variable(
        "postgres",
        _only("postgres", "default", hint="intervals are written as Postgres does"),
        reported=True,
        spelled="IntervalStyle",
    ),
    "timezone": Variable("UTC", anything, reported=True, spelled="TimeZone"),
    "integer_datetimes": Variable("on", fixed, reported=True),
    "standard_conforming_strings": Variable("on", _on, reported=True),
    "scram_iterations": Variable("4096", fixed, reported=True),
    "search_path": Variable(", ".join(KINDS), anything, reported=True),
    "statement_timeout": Variable("0", _duration),
    "lock_timeout": Variable("0", _duration),
    "idle_in_transaction_session_timeout": Variable("0", _duration),
    "idle_session_timeout": Variable("0", _duration),
    "transaction_timeout": Variable("0", _duration),
    "client_min_messages": Variable("notice", _only(*LEVELS)),
    "extra_float_digits": Variable("1", anything),
    "bytea_output": Variable("hex", _only("hex", hint="bytes are written in hexadecimal only")),
    "xmloption": Variable("content", anything),
    "row_security": Variable("on", _boolean),
    "synchronous_commit": Variable("on", anything),
    "default_transaction_isolation": Variable("repeatable read", _isolation),
    "transaction_isolation": Variable("repeatable read", _isolation),
    "default_transaction_deferrable": Variable("off", _boolean),
    "transaction_deferrable": Variable("off", _boolean),
    TRANSACTION_READ_ONLY: Variable("off", _boolean),
    "max_identifier_length": Variable("63", fixed),
    "max_index_keys": Variable("32", fixed),
    "block_size": Variable("8192", fixed),
    "lc_collate": Variable("C.UTF-8", fixed),
    "lc_ctype": Variable("C.UTF-8", fixed),
    "lc_messages": Variable("C.UTF-8", anything),
    "lc_monetary": Variable("C.UTF-8", anything),
    "lc_numeric": Variable("C.UTF-8", anything),
    "lc_time": Variable("C.UTF-8", anything),
    "ssl": Variable("off", fixed),
    "geqo": Variable("on", _boolean),
    "jit": Variable("off", anything),
    "work_mem": Variable("4MB", anything),
    "default_statistics_target": Variable("100", anything),
    "default_tablespace": Variable("", anything),
    "default_table_access_method": Variable("heap", anything),
    "check_function_bodies": Variable("on", _boolean),
    "escape_string_warning": Variable("on", _boolean),
    "backslash_quote": Variable("safe_encoding", anything),
    "plan_cache_mode": Variable("auto", anything),
    "cursor_tuple_fraction": Variable("0.1", anything),
    "session_replication_role": Variable("origin", _only("origin", "default")),
    "wal_level": Variable("replica", fixed),
    "max_connections": Variable("100", fixed),
    "default_toast_compression": Variable("pglz", anything),
    "password_encryption": Variable("scram-sha-256", fixed),
    "track_activities": Variable("on", anything),
    "array_nulls": Variable("on", _on),
    "quote_all_identifiers": Variable("off", _boolean),
    "synchronize_seqscans": Variable("on", _boolean),
    "role": Variable("none", _only("none", "default", hint="who may do what follows from the key")),
    "btql.tz_offset": Variable("0", anything),
    "btql.version": Variable("", anything),
    "btql.lint": Variable("off", _only("off", "default", "strict")),
}
ALIASES = {"time zone": "timezone", "names": "client_encoding", "session authorization": "session_authorization"}
"""Names that mean another one."""

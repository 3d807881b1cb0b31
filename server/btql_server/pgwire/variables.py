"""The settings of a session, as ``SET``, ``SHOW`` and ``RESET`` know them.

Few of them do anything here: ``statement_timeout`` ends statements, ``client_min_messages`` says which notices are
sent, and ``btql.tz_offset``, ``btql.version`` and ``btql.lint`` are options of queries. The others are what drivers
set when they connect; they are taken if what they ask for is how this server works anyway, or if they change nothing
that anybody could see. What would be a lie is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql.errors import QueryError
from btql_grammar.sources import KINDS
from btql_planner.options import QueryOptions
from btql_server.pgwire.failure import Failure, unsupported

if TYPE_CHECKING:
    from btql_server.pgwire.transaction import Transaction

SERVER_VERSION = "15.0"
"""The release of PostgreSQL whose catalog is answered: clients choose their queries by it."""
_MILLISECONDS = {"": 1, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "us": 0.001}
_DURATION = re.compile(r"\s*+(-?\d+(?:\.\d+)?)\s*+([a-z]*)\s*+")
_LEVELS = ("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")
_UTC = ("utc", "gmt", "etc/utc", "etc/gmt", "universal", "zulu", "etc/universal", "default", "z", "0", "+00", "00:00")
TRANSACTION_READ_ONLY = "transaction_read_only"
"""Of the transaction that is open; the default of the session only says how one begins."""
_CUSTOM = re.compile(r"[a-z_][\w$]*(\.[a-z_][\w$]*)+")
_CUSTOM_MAX = 100
_VALUE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Variable:
    default: str
    check: Callable[[str, str], str]
    """Returns the value as it is kept; raises for one that cannot be."""
    reported: bool = False
    """Whether clients are told of each change."""
    spelled: str | None = None
    """The name as clients expect it, if not in lower case."""


def _any(name: str, value: str) -> str:
    if len(value) > _VALUE_MAX:
        raise _invalid(name, value)
    return value


def _only(*allowed: str, hint: str | None = None) -> Callable[[str, str], str]:
    def check(name: str, value: str) -> str:
        if value.lower().replace("-", "") not in allowed:
            raise _invalid(name, value, hint)
        return value

    return check


def _fixed(name: str, value: str) -> str:  # noqa: ARG001
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
    raise _invalid(name, value, f'parameter "{name}" requires a Boolean value')


def _on(name: str, value: str) -> str:
    if _boolean(name, value) != "on":
        raise unsupported(f'parameter "{name}" can only be on')
    return "on"


def _encoding(name: str, value: str) -> str:
    # asyncpg sends the value with its quotes.
    if value.lower().strip("'").replace("-", "").replace("_", "") not in ("utf8", "unicode", "default"):
        raise Failure("22023", f'invalid value for parameter "{name}": "{value[:40]}"', "only UTF8 is spoken here")
    return "UTF8"


def _dates(name: str, value: str) -> str:
    words = {each.strip().lower() for each in value.split(",")}
    if not words <= {"iso", "mdy", "dmy", "ymd", "us", "european", "default"}:
        raise _invalid(name, value, "times are written in ISO 8601 only")
    return "ISO, MDY"


def _duration(name: str, value: str) -> str:
    found = _DURATION.fullmatch(value.lower())
    if found is None or found[2] not in _MILLISECONDS:
        raise _invalid(name, value, 'valid units are "us", "ms", "s", "min", "h" and "d"')
    milliseconds = float(found[1]) * _MILLISECONDS[found[2]]
    if not 0 <= milliseconds < 1 << 31:
        raise Failure("22023", f'{found[1]} ms is outside the valid range for parameter "{name}" (0 .. 2147483647)')
    return _spelled_duration(round(milliseconds))


def _spelled_duration(milliseconds: int) -> str:
    if not milliseconds:
        return "0"
    for unit in ("d", "h", "min", "s"):
        if milliseconds % _MILLISECONDS[unit] == 0:
            return f"{milliseconds // int(_MILLISECONDS[unit])}{unit}"
    return f"{milliseconds}ms"


def _isolation(name: str, value: str) -> str:
    if value.lower() not in ("serializable", "repeatable read", "read committed", "read uncommitted", "default"):
        raise _invalid(name, value)
    return "repeatable read"


def _invalid(name: str, value: str, hint: str | None = None) -> Failure:
    return Failure("22023", f'invalid value for parameter "{name}": "{value[:80]}"', hint)


_KNOWN: Mapping[str, _Variable] = {
    "server_version": _Variable(SERVER_VERSION, _fixed, reported=True),
    "server_version_num": _Variable("150000", _fixed),
    "server_encoding": _Variable("UTF8", _fixed, reported=True),
    "client_encoding": _Variable("UTF8", _encoding, reported=True),
    "application_name": _Variable("", _any, reported=True),
    "default_transaction_read_only": _Variable("off", _boolean, reported=True),
    "in_hot_standby": _Variable("off", _fixed, reported=True),
    "is_superuser": _Variable("off", _fixed, reported=True),
    "session_authorization": _Variable("", _fixed, reported=True),
    "datestyle": _Variable("ISO, MDY", _dates, reported=True, spelled="DateStyle"),
    "intervalstyle": _Variable("postgres", _only("postgres", "default"), reported=True, spelled="IntervalStyle"),
    "timezone": _Variable("UTC", _any, reported=True, spelled="TimeZone"),
    "integer_datetimes": _Variable("on", _fixed, reported=True),
    "standard_conforming_strings": _Variable("on", _on, reported=True),
    "scram_iterations": _Variable("4096", _fixed, reported=True),
    "search_path": _Variable(", ".join(KINDS), _any, reported=True),
    "statement_timeout": _Variable("0", _duration),
    "lock_timeout": _Variable("0", _duration),
    "idle_in_transaction_session_timeout": _Variable("0", _duration),
    "idle_session_timeout": _Variable("0", _duration),
    "transaction_timeout": _Variable("0", _duration),
    "client_min_messages": _Variable("notice", _only(*_LEVELS)),
    "extra_float_digits": _Variable("1", _any),
    "bytea_output": _Variable("hex", _only("hex", hint="bytes are written in hexadecimal only")),
    "xmloption": _Variable("content", _any),
    "row_security": _Variable("on", _boolean),
    "synchronous_commit": _Variable("on", _any),
    "default_transaction_isolation": _Variable("repeatable read", _isolation),
    "transaction_isolation": _Variable("repeatable read", _isolation),
    "default_transaction_deferrable": _Variable("off", _boolean),
    "transaction_deferrable": _Variable("off", _boolean),
    TRANSACTION_READ_ONLY: _Variable("off", _boolean),
    "max_identifier_length": _Variable("63", _fixed),
    "max_index_keys": _Variable("32", _fixed),
    "block_size": _Variable("8192", _fixed),
    "lc_collate": _Variable("C.UTF-8", _fixed),
    "lc_ctype": _Variable("C.UTF-8", _fixed),
    "lc_messages": _Variable("C.UTF-8", _any),
    "lc_monetary": _Variable("C.UTF-8", _any),
    "lc_numeric": _Variable("C.UTF-8", _any),
    "lc_time": _Variable("C.UTF-8", _any),
    "ssl": _Variable("off", _fixed),
    "geqo": _Variable("on", _boolean),
    "jit": _Variable("off", _any),
    "work_mem": _Variable("4MB", _any),
    "default_statistics_target": _Variable("100", _any),
    "default_tablespace": _Variable("", _any),
    "default_table_access_method": _Variable("heap", _any),
    "check_function_bodies": _Variable("on", _boolean),
    "escape_string_warning": _Variable("on", _boolean),
    "backslash_quote": _Variable("safe_encoding", _any),
    "plan_cache_mode": _Variable("auto", _any),
    "cursor_tuple_fraction": _Variable("0.1", _any),
    "session_replication_role": _Variable("origin", _only("origin", "default")),
    "password_encryption": _Variable("scram-sha-256", _fixed),
    "track_activities": _Variable("on", _any),
    "array_nulls": _Variable("on", _on),
    "quote_all_identifiers": _Variable("off", _boolean),
    "synchronize_seqscans": _Variable("on", _boolean),
    "role": _Variable("none", _only("none", "default", hint="who may do what follows from the key")),
    "btql.tz_offset": _Variable("0", _any),
    "btql.version": _Variable("", _any),
    "btql.lint": _Variable("off", _only("off", "default", "strict")),
}
_ALIASES = {"time zone": "timezone", "names": "client_encoding", "session authorization": "session_authorization"}


class Variables:
    """The settings of one session; what a failed transaction has set is taken back."""

    def __init__(self, report: Callable[[str, str], None], transaction: Transaction) -> None:
        self._report = report
        self._transaction = transaction
        self._values: dict[str, str] = {}
        self._defaults: dict[str, str] = {}
        """What the client has asked for when it connected."""
        self._before: dict[str, str] | None = None
        """As they were when the transaction began."""
        self._local: dict[str, str] = {}

    def start(self, name: str, value: str) -> None:
        """Set what a client asks for when it connects; this is what RESET goes back to."""
        name = name.lower()
        variable = _KNOWN.get(name)
        if variable is None:
            if _CUSTOM.fullmatch(name) is None:
                raise Failure("42704", f'unrecognized configuration parameter "{name[:80]}"')
            self._defaults[name] = _any(name, value)
        else:
            self._defaults[name] = self._checked(name, variable, value)[0]

    def tell(self, name: str, value: str) -> None:
        """Set what the server knows, such as who the session belongs to."""
        self._defaults[name] = value

    def reported(self) -> list[tuple[str, str]]:
        """Return the settings that clients are told of when they connect."""
        return [(each.spelled or name, self.get(name)) for name, each in _KNOWN.items() if each.reported]

    def set(self, name: str, value: str | None, *, local: bool = False) -> str | None:
        """Change a setting, None back to its default; return what a client should know about it."""
        name = _ALIASES.get(name, name)
        variable = _KNOWN.get(name)
        note = None
        if variable is None:
            if _CUSTOM.fullmatch(name) is None:
                raise Failure("42704", f'unrecognized configuration parameter "{name[:80]}"')
            if len(self._values) >= _CUSTOM_MAX and name not in self._values:
                raise Failure("53400", f"a session has at most {_CUSTOM_MAX} settings of its own")
        elif name == TRANSACTION_READ_ONLY:
            self._transaction.set_read_only(value is not None and self._checked(name, variable, value)[0] == "on")
            return None
        before = self.get(name, missing="")
        if value is None:
            if variable is not None and variable.check is _fixed:
                raise _fixed_error(name)
            self._values.pop(name, None)
            self._local.pop(name, None)
        else:
            kept, note = (_any(name, value), None) if variable is None else self._checked(name, variable, value)
            (self._local if local else self._values)[name] = kept
        if variable is not None and variable.reported and self.get(name) != before:
            self._report(variable.spelled or name, self.get(name))
        return note

    def get(self, name: str, missing: str | None = None) -> str:
        """Return the value of a setting."""
        name = _ALIASES.get(name, name)
        if name == TRANSACTION_READ_ONLY:
            said = self._transaction.read_only
            return "on" if (self.reads_by_default if said is None else said) else "off"
        for values in (self._local, self._values, self._defaults):
            if name in values:
                return values[name]
        if name in _KNOWN:
            return _KNOWN[name].default
        if missing is None:
            raise Failure("42704", f'unrecognized configuration parameter "{name[:80]}"')
        return missing

    @property
    def reads_by_default(self) -> bool:
        """Whether a transaction that does not say otherwise only reads."""
        return self.get("default_transaction_read_only") == "on"

    def spelled(self, name: str) -> str:
        """Return the name of a setting as SHOW heads its column."""
        name = _ALIASES.get(name, name)
        variable = _KNOWN.get(name)
        return name if variable is None or variable.spelled is None else variable.spelled

    def all(self) -> list[tuple[str, str, str]]:
        """Return name, value and description of every setting."""
        names = sorted({*_KNOWN, *self._values, *self._defaults})
        return [(self.spelled(name), self.get(name), "") for name in names]

    def reset_all(self) -> None:
        """Go back to the defaults."""
        for name in [*self._values]:
            self.set(name, None)

    def begin(self) -> None:
        """Remember the settings: a transaction begins."""
        self._before = dict(self._values)

    def end(self, *, failed: bool) -> None:
        """Forget what was set for the transaction only; all that it has set, where it failed."""
        changed = {**self._local, **(self._values if failed else {})}
        told = {name: self.get(name) for name in changed}
        self._local.clear()
        if failed and self._before is not None:
            self._values = self._before
        self._before = None
        for name, before in told.items():
            variable = _KNOWN.get(name)
            if variable is not None and variable.reported and self.get(name) != before:
                self._report(variable.spelled or name, self.get(name))

    def timeout_s(self) -> float | None:
        """Return how long a statement may take; None where that is not said."""
        found = _DURATION.fullmatch(self.get("statement_timeout"))
        assert found is not None
        milliseconds = float(found[1]) * _MILLISECONDS[found[2]]
        return milliseconds / 1_000 or None

    def tells(self, severity: str) -> bool:
        """Whether a notice is sent."""
        least = self.get("client_min_messages").lower()
        return _LEVELS.index(severity.lower()) >= _LEVELS.index(least)

    def options(self) -> QueryOptions:
        """Return the options of queries."""
        from btql.arguments import options_of

        try:
            offset = int(self.get("btql.tz_offset"))
        except ValueError:
            raise _invalid("btql.tz_offset", self.get("btql.tz_offset"), "minutes to add to local time") from None
        lint = self.get("btql.lint").lower()
        try:
            return options_of(
                tz_offset=offset,
                version=self.get("btql.version") or None,
                lint="strict" if lint == "strict" else "default" if lint == "default" else "off",
                default_limit=None,
                cursor=None,
            )
        except QueryError as error:
            raise Failure("22023", error.diagnostics[0].message, error.diagnostics[0].help) from None

    def _checked(self, name: str, variable: _Variable, value: str) -> tuple[str, str | None]:
        if name == "timezone":
            # Instants are written with their offset from UTC, so that they are right wherever they are read.
            if value.lower() in _UTC:
                return "UTC", None
            return (
                "UTC",
                f'times are shown in UTC, not in "{value[:40]}"; `btql.tz_offset` moves the boundaries of days',
            )
        if variable.check is not _fixed and value.lower() == "default":
            return variable.default, None
        return variable.check(name, value), None


def _fixed_error(name: str) -> Failure:
    return Failure("55P02", f'parameter "{name}" cannot be changed')

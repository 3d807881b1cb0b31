"""The settings of a session, for ``SET``, ``SHOW`` and ``RESET``; what they take is in :mod:`.known_settings`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from btql.errors import QueryError
from btql_planner.options import QueryOptions
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.known_settings import (
    ALIASES,
    KNOWN,
    LEVELS,
    TRANSACTION_READ_ONLY,
    Variable,
    anything,
    fixed,
    invalid,
    milliseconds_of,
    unknown,
)

if TYPE_CHECKING:
    from btql_server.pgwire.transaction import Transaction

_UTC = (
    "utc",
    "gmt",
    "etc/utc",
    "etc/gmt",
    "universal",
    "zulu",
    "local",
    "etc/universal",
    "default",
    "z",
    "0",
    "+00",
    "00:00",
    "+00:00",
    "-00:00",
)
_CUSTOM = re.compile(r"[a-z_][\w$]*(\.[a-z_][\w$]*)+")
_CUSTOM_MAX = 100
_CUSTOM_NAME_MAX = 1_000


Settings: TypeAlias = tuple[dict[str, str], dict[str, str]]
"""What is set for the session, and for the transaction alone."""


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
        variable = KNOWN.get(name)
        if variable is None:
            if _CUSTOM.fullmatch(name) is None:
                raise unknown(name)
            self._defaults[name] = anything(name, value)
        else:
            self._defaults[name] = self._checked(name, variable, value)[0]

    def tell(self, name: str, value: str) -> None:
        """Set what the server knows, such as who the session belongs to."""
        self._defaults[name] = value

    def reported(self) -> list[tuple[str, str]]:
        """Return the settings that clients are told of, when they connect and whenever one changes."""
        return [(each.spelled or name, self.get(name)) for name, each in KNOWN.items() if each.reported]

    def set(self, name: str, value: str | None, *, local: bool = False) -> str | None:
        """Change a setting, None back to its default; return what a client should know about it."""
        name = ALIASES.get(name, name)
        variable = KNOWN.get(name)
        note = None
        if variable is None:
            if _CUSTOM.fullmatch(name) is None:
                raise unknown(name)
            if len(name) > _CUSTOM_NAME_MAX:
                raise Failure("42602", f'"{name[:80]}" is too long for the name of a setting')
            if len(self._values.keys() | self._local | {name}) > _CUSTOM_MAX:
                raise Failure("53400", f"a session has at most {_CUSTOM_MAX} settings of its own")
        elif name == TRANSACTION_READ_ONLY:
            self._transaction.set_read_only(value is not None and self._checked(name, variable, value)[0] == "on")
            return None
        before = self.get(name, missing="")
        if value is None:
            if variable is not None and variable.check is fixed:
                fixed(name, "")
            kept = self._default(name) if local else None
        else:
            kept, note = (anything(name, value), None) if variable is None else self._checked(name, variable, value)
        self._keep(name, kept, local=local)
        if variable is not None and variable.reported and self.get(name) != before:
            self._report(variable.spelled or name, self.get(name))
        return note

    def _keep(self, name: str, value: str | None, *, local: bool) -> None:
        """Keep a value; None is the default. One for the session is seen at once, whatever was set locally."""
        if not local:
            self._local.pop(name, None)
            self._values.pop(name, None)
        if value is not None:
            (self._local if local else self._values)[name] = value

    def _default(self, name: str) -> str:
        return self._defaults.get(name, KNOWN[name].default if name in KNOWN else "")

    def get(self, name: str, missing: str | None = None) -> str:
        """Return the value of a setting."""
        name = ALIASES.get(name, name)
        if name == TRANSACTION_READ_ONLY:
            said = self._transaction.read_only
            return "on" if (self.reads_by_default if said is None else said) else "off"
        for values in (self._local, self._values, self._defaults):
            if name in values:
                return values[name]
        if name in KNOWN:
            return KNOWN[name].default
        if missing is None:
            raise unknown(name)
        return missing

    @property
    def reads_by_default(self) -> bool:
        """Whether a transaction that does not say otherwise only reads."""
        return self.get("default_transaction_read_only") == "on"

    def spelled(self, name: str) -> str:
        """Return the name of a setting as SHOW heads its column."""
        name = ALIASES.get(name, name)
        variable = KNOWN.get(name)
        return name if variable is None or variable.spelled is None else variable.spelled

    def all(self) -> list[tuple[str, str, str]]:
        """Return name, value and description of every setting."""
        names = sorted({*KNOWN, *self._local, *self._values, *self._defaults})
        return [(self.spelled(name), self.get(name), "") for name in names]

    def reset_all(self) -> None:
        """Go back to the defaults."""
        for name in [*self._values, *self._local]:
            self.set(name, None)

    def begin(self) -> None:
        """Remember the settings: a transaction begins."""
        self._before = dict(self._values)

    def end(self, *, failed: bool) -> None:
        """Forget what was set for the transaction only; all that it has set, where it failed."""
        before = self._before if failed else None
        self._before = None
        self._change((self._values if before is None else before, {}))

    def kept(self) -> Settings:
        """Return what is set by now, to come back to it."""
        return dict(self._values), dict(self._local)

    def back_to(self, kept: Settings) -> None:
        """Set what was set before, and nothing else."""
        self._change((dict(kept[0]), dict(kept[1])))

    def _change(self, to: Settings) -> None:
        told = dict(self.reported())
        self._values, self._local = to
        for spelled, value in self.reported():
            if value != told[spelled]:
                self._report(spelled, value)

    def timeout_s(self) -> float | None:
        """Return how long a statement may take; None where that is not said."""
        return milliseconds_of(self.get("statement_timeout")) / 1_000 or None

    def tells(self, severity: str) -> bool:
        """Whether a notice is sent."""
        least = self.get("client_min_messages").lower()
        return LEVELS.index(severity.lower()) >= LEVELS.index(least)

    def options(self) -> QueryOptions:
        """Return the options of queries."""
        from btql.arguments import options_of

        try:
            offset = int(self.get("btql.tz_offset"))
        except ValueError:
            raise invalid("btql.tz_offset", self.get("btql.tz_offset"), "minutes to add to local time") from None
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

    def _checked(self, name: str, variable: Variable, value: str) -> tuple[str, str | None]:
        if name == "timezone":
            # Instants are written with their offset from UTC, so that they are right wherever they are read.
            if value.lower() in _UTC:
                return "UTC", None
            return (
                "UTC",
                f'times are shown in UTC, not in "{value[:40]}"; `btql.tz_offset` moves the boundaries of days',
            )
        if variable.check is not fixed and value.lower() == "default":
            return variable.default, None
        return variable.check(name, value), None

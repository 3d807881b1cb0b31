"""What functions such as ``current_user`` and ``current_setting`` return: they depend on the session alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as installed
from typing import TypeAlias

from btql.tables import SCHEMAS
from btql_server.pgwire.catalog.names import KEYWORDS, OF_SESSION
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.known_settings import KNOWN, SERVER_VERSION

Value: TypeAlias = "str | int | bool | list[str] | datetime | None"
_STARTED = datetime.now(UTC)


@dataclass(slots=True)
class Session:
    """The session that a statement came in."""

    database: str = "btql"
    """The name that the client gave the database when it connected."""
    user: str = "btql"
    """The name that the client gave."""
    pid: int = 0
    """The number of the session, as in the key for cancelling."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What SHOW tells; any other has its default."""
    change_setting: Callable[[str, str, bool], None] | None = None
    """Does what SET does, or SET LOCAL where that is true, for ``set_config``; None refuses it."""
    client_address: tuple[str, int] | None = None
    server_address: tuple[str, int] | None = None

    def setting(self, name: str) -> str | None:
        """Return a setting by its name, in whichever case."""
        wanted = name.lower()
        found = next((value for each, value in self.settings.items() if each.lower() == wanted), None)
        return KNOWN[wanted].default if found is None and wanted in KNOWN else found

    def all_settings(self) -> dict[str, str]:
        """Return every setting."""
        known = {name: variable.spelled or name for name, variable in KNOWN.items()}
        names = known | {each.lower(): each for each in self.settings}
        return {name: self.setting(name) or "" for name in sorted(names.values(), key=str.lower)}


@dataclass(frozen=True, slots=True)
class OfSession:
    """The functions of a session that stand beside rows: ``SELECT current_user, id FROM demo``."""

    session: Callable[[], Session]
    """What the session is when one of them is called."""
    names = OF_SESSION - {"set_config", "current_schemas"}
    """None that change anything, or return a list."""
    keywords = KEYWORDS

    def value(self, name: str, arguments: Sequence[object]) -> str | int | bool | None:
        """Return what one of them returns."""
        found = value_of(name, arguments, self.session())
        return found if found is None or isinstance(found, str | int) else str(found)


def value_of(name: str, arguments: Sequence[object], session: Session) -> Value:
    """Return what a function of the session returns."""
    match name:
        case "version":
            return f"PostgreSQL {SERVER_VERSION} (btql {installed('btql')})"
        case "current_database" | "current_catalog":
            return session.database
        case "current_user" | "session_user" | "user" | "current_role":
            return session.user
        case "current_schema":
            return next(iter(_search_path(session)), None)
        case "current_schemas":
            path = _search_path(session)
            return ["pg_catalog", *path] if arguments and arguments[0] is True else path
        case "current_setting":
            return _current_setting(arguments, session)
        case "set_config":
            return _set_config(arguments, session)
        case "pg_backend_pid":
            return session.pid
        case _:
            return _rare(name, session)


def _rare(name: str, session: Session) -> Value:
    match name:
        case "pg_postmaster_start_time" | "pg_conf_load_time":
            return _STARTED
        case "pg_client_encoding" | "getdatabaseencoding":
            return "UTF8"
        case "inet_client_addr" | "inet_client_port":
            return _part_of(session.client_address, name)
        case "inet_server_addr" | "inet_server_port":
            return _part_of(session.server_address, name)
        case "txid_current" | "pg_current_xact_id":
            return 1
        case "pg_my_temp_schema" | "pg_trigger_depth" | "pg_notification_queue_usage":
            return 0
        case "pg_advisory_unlock_all":
            return ""
        case _ if name.startswith(("pg_is_", "pg_jit_", "row_security")):
            return False
        case _:
            return None


def _part_of(address: tuple[str, int] | None, name: str) -> Value:
    return None if address is None else address[name.endswith("port")]


def _search_path(session: Session) -> list[str]:
    """Return the schemas of the search path that there may be."""
    written = session.setting("search_path") or ""
    names = [each.strip().strip('"') for each in written.split(",")]
    if "public" in names:
        # What a client of Postgres may expect; there is no such schema, and tables are found without theirs.
        return list(SCHEMAS)
    return [each for each in names if each in SCHEMAS]


def _current_setting(arguments: Sequence[object], session: Session) -> Value:
    name = str(arguments[0]) if arguments else ""
    found = session.setting(name)
    if found is None and not (len(arguments) > 1 and arguments[1] is True):
        raise Refused("42704", f'unrecognized configuration parameter "{name[:80]}"', "SHOW ALL lists all of them")
    return found


def _set_config(arguments: Sequence[object], session: Session) -> Value:
    if len(arguments) != 3 or arguments[0] is None:
        raise Refused("42883", "set_config takes the name of a setting, its value, and whether it is local")
    if session.change_setting is None:
        raise Refused("0A000", "settings cannot be changed here")
    name, value = str(arguments[0]).lower(), "" if arguments[1] is None else str(arguments[1])
    session.change_setting(name, value, arguments[2] is True)
    return value

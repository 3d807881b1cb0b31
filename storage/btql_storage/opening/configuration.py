"""``btql.toml``: databases with names, or one, and limits.

::

    files = "s3://traces/prod"          # the database of this file
    catalog = "postgresql://btql@db.internal/btql"
    redis = "redis://redis.internal"
    cache = "/var/cache/btql"
    cache_bytes = "50GiB"
    layout = "small"                    # of parts, here of whatever database is opened, also of a plain folder

    [limits]                            # likewise
    document_bytes_max = "256MiB"

    [databases.staging]                 # one with a name, which has the same keys
    files = "s3://traces/staging?catalog=postgresql://btql@db.internal/staging"
    limits = { query_memory_bytes_max = "4GiB" }

The file is ``btql.toml`` of the working directory, or the one that ``BTQL_CONFIG`` names. Paths in it are relative to
its own folder. It need not have passwords in it: PostgreSQL's are looked for in ``PGPASSWORD`` and ``~/.pgpass``, and
the environment (``BTQL_REDIS``) comes before the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from btql_storage.errors import BadLocation, reason_of
from btql_storage.opening.location import CONFIG, FILE

_SERVICES = ("catalog", "redis", "cache", "cache_bytes", "endpoint")
_KEYS = ("files", *_SERVICES, "layout", "limits")


@dataclass(frozen=True, slots=True)
class Configured:
    """What the file says of one database."""

    folder: Path
    """The file's own."""
    files: str
    services: Mapping[str, str]
    limits: Mapping[str, object]
    layout: str | None
    """Of parts that are written (:mod:`btql_storage.part.layout`)."""

    def path(self, text: str) -> Path:
        """Return a path of the file."""
        return self.folder / Path(text).expanduser()


def named(place: str, environment: Mapping[str, str]) -> Configured | None:
    """Return the database that a name, or the path of a file, stands for; None where it is a plain path."""
    if place.endswith(".toml") and Path(place).is_file():
        return _only(Path(place))
    config = environment.get(CONFIG)
    if "/" in place or not (config or Path(FILE).is_file()):
        return None
    path = Path(config or FILE)
    databases = _table(path, "databases", _load(path).get("databases", {}))
    return _database(path, f"databases.{place}", databases[place]) if place in databases else None


def for_all(place: str, environment: Mapping[str, str]) -> tuple[Mapping[str, object], str | None]:
    """Return the limits and the layout that the file has for whatever database is opened; none without a file."""
    path = Path(place if place.endswith(".toml") and Path(place).is_file() else environment.get(CONFIG) or FILE)
    if not path.is_file():
        return {}, None
    document = _load(path)
    return _table(path, "limits", document.get("limits", {})), _layout(path, "", document)


def _only(path: Path) -> Configured:
    document = _load(path)
    databases = _table(path, "databases", document.get("databases", {}))
    if "files" in document:
        return _database(path, "", {key: value for key, value in document.items() if key != "databases"})
    if len(databases) == 1:
        ((name, only),) = databases.items()
        return _database(path, f"databases.{name}", only)
    if not databases:
        raise BadLocation(f"`{path}` names no database", 'say where its files are: files = "s3://bucket/prefix"')
    raise BadLocation(
        f"`{path}` has several databases: {', '.join(databases)}", f"give one of these names, with {CONFIG}={path}"
    )


def _load(path: Path) -> dict[str, object]:
    import tomllib

    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        reason = reason_of(error)
        raise BadLocation(f"cannot read `{path}`: {reason}", f"{CONFIG} or {FILE} names the configuration") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadLocation(f"`{path}` is not TOML: {error}", "correct the file") from error
    # Also where only the limits in it count: a key that nobody reads is not what its writer meant.
    _require_known(path, "", document, (*_KEYS, "databases"))
    return document


def _require_known(path: Path, prefix: str, table: Mapping[str, object], known: Sequence[str]) -> None:
    unknown = next((key for key in table if key not in known), None)
    if unknown is None:
        return
    from difflib import get_close_matches

    nearest = get_close_matches(unknown, known, 1)
    way = f"did you mean `{nearest[0]}`?" if nearest else f"a database has {', '.join(_KEYS)}"
    raise BadLocation(f"`{prefix}{unknown}` of `{path}` is not known", way)


def _database(path: Path, where: str, value: object) -> Configured:
    table = _table(path, where, value)
    prefix = f"{where}." if where else ""
    _require_known(path, prefix, table, _KEYS)
    services = {name: _text(path, prefix + name, table[name]) for name in _SERVICES if name in table}
    if "files" not in table:
        raise BadLocation(f"`{where}` of `{path}` has no `files`", 'say where they are: files = "s3://bucket/prefix"')
    files = _text(path, f"{prefix}files", table["files"])
    limits = _table(path, f"{prefix}limits", table.get("limits", {}))
    return Configured(path.parent.absolute(), files, services, limits, _layout(path, prefix, table))


def _layout(path: Path, prefix: str, table: Mapping[str, object]) -> str | None:
    return _text(path, f"{prefix}layout", table["layout"]) if "layout" in table else None


def _table(path: Path, where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadLocation(f"`{where}` of `{path}` is no table", f"write it as [{where}]")
    return cast("dict[str, object]", value)


def _text(path: Path, where: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and where.endswith("cache_bytes"):
        return str(value)
    raise BadLocation(f"`{where}` of `{path}` is no text", "write it in quotes")

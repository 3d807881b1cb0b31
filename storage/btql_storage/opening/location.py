"""Where a database is: what ``btql.connect``, the command line and ``btql serve --data`` take.

==========================================================  ==================================================
``traces``, ``/data/traces``, ``~/traces``                  a folder of this machine, which needs no service
``s3://bucket/prefix?catalog=postgresql://…&redis=…``       a bucket: S3 and what speaks like it
``gs://…``, ``az://…``                                      one of Google Cloud Storage, a container of Azure
``file:///folder?catalog=postgresql://…``                   a folder that several machines have mounted
``production``                                              a name of the configuration file (below)
``path/to/btql.toml``                                       the one database that such a file has
==========================================================  ==================================================

Parameters: ``catalog`` (``postgresql://…``, or ``sqlite:/path`` for the processes of one machine), ``redis``,
``cache`` and ``cache_bytes`` (the local copies of a bucket's files), ``endpoint`` (of a store that is not AWS).
A value is taken as it is written, or, where it has ``&`` or ``#``, percent-encoded as a whole.

What an address leaves out is looked for in the environment (``BTQL_CATALOG``, ``BTQL_REDIS``, …), and then in the
configuration file. A plain folder has all that it needs in itself, so neither is asked about it. Keys of buckets are
never in an address: they come from the variables that each cloud has for them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from btql_storage.addresses import shown
from btql_storage.errors import BadLocation

Place: TypeAlias = "str | os.PathLike[str]"
BUCKETS = {"s3": "a bucket", "gs": "a bucket", "az": "a container"}
"""Schemes of object stores, and what they call the place that an address begins with."""
DATABASE = "BTQL_DATABASE"
"""The environment variable with the database of whoever names none."""
CONFIG = "BTQL_CONFIG"
"""The environment variable that names another configuration file than :data:`FILE`."""
FILE = "btql.toml"
CACHE_BYTES = 20 << 30


@dataclass(frozen=True, slots=True)
class Location:
    """One database, and the services that it is made of."""

    files: str
    """The folder or, of a bucket, its address without parameters."""
    is_bucket: bool = False
    catalog: str | None = field(default=None, repr=False)
    """The address of the catalog; None is a file in the folder."""
    redis: str | None = field(default=None, repr=False)
    endpoint: str | None = None
    cache: Path | None = None
    """The folder for copies of files and whatever else this machine keeps; None is the usual one."""
    cache_bytes: int = CACHE_BYTES
    limits: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the configuration file says of :mod:`btql_storage.limits`."""
    layout: str | None = None
    """What it says of :mod:`btql_storage.part.layout`."""

    @property
    def folder(self) -> Path | None:
        """The folder with the files, where they are in one."""
        return None if self.is_bucket else Path(self.files)

    @property
    def is_alone(self) -> bool:
        """Whether all that there is of it is in one folder."""
        return not self.is_bucket and self.catalog is None

    @property
    def shares_catalog(self) -> bool:
        """Whether several machines may use it."""
        return self.catalog is not None and not self.catalog.startswith("sqlite:")

    @property
    def catalog_file(self) -> Path | None:
        """The file of a catalog in SQLite that is not in the folder."""
        if self.catalog is None or self.shares_catalog:
            return None
        return Path(self.catalog.removeprefix("sqlite:"))

    @property
    def state_folder(self) -> Path | None:
        """The folder beside such a file for what the processes of one machine share besides: locks, numbers, keys."""
        path = self.catalog_file
        return None if path is None else path.with_name(f"{path.name}.d")

    @property
    def cache_folder(self) -> Path:
        """The folder for what this machine keeps of databases that are elsewhere."""
        if self.cache is not None:
            return self.cache
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "btql"

    @property
    def own_folder(self) -> Path:
        """The folder for what a server keeps beside a database: its own, or, of one over services, this machine's."""
        if self.is_alone:
            return Path(self.files)
        from hashlib import sha256

        return self.cache_folder / "server" / sha256(self.files.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Return the address without passwords, for messages."""
        address = self.files if self.is_bucket or self.is_alone else f"file://{self.files}"
        services = {"catalog": self.catalog, "redis": self.redis, "endpoint": self.endpoint}
        given = [f"{name}={shown(value)}" for name, value in services.items() if value is not None]
        return f"{address}?{'&'.join(given)}" if given else address


def locate(place: Place | Location, environment: Mapping[str, str] = os.environ) -> Location:
    """Return where the database is that an address, a path or a name stands for."""
    if isinstance(place, Location):
        return place
    if place == ":memory:":
        raise BadLocation("there is no database in memory, as there is in others", "give a folder; it may be temporary")
    location = _located(place, environment)
    if location.folder is not None:
        _check_name(location.folder)
    if not _is_configured(os.fspath(place), environment):
        return location
    from btql_storage.opening.configuration import for_all

    limits, layout = for_all(os.fspath(place), environment)
    return replace(location, limits={**limits, **location.limits}, layout=location.layout or layout)


def _is_configured(place: str, environment: Mapping[str, str]) -> bool:
    """Return whether there is a configuration file, or one is given; mostly there is none, and nothing to read it."""
    return place.endswith(".toml") or bool(environment.get(CONFIG)) or Path(FILE).is_file()


def _check_name(folder: Path) -> None:
    """Raise where the engine and the text index, which know UTF-8 alone, could not open the files of a folder."""
    path = str(folder.absolute())
    try:
        path.encode()
    except UnicodeEncodeError:
        raise BadLocation(
            f"the name of the folder `{_printable(path)}` is not UTF-8", "rename it, or choose another one"
        ) from None


def _printable(path: str) -> str:
    try:
        return os.fsencode(path).decode(errors="backslashreplace")
    except UnicodeEncodeError:
        # It has half of a surrogate pair that stands for no byte: no folder has this name.
        return path.encode(errors="backslashreplace").decode()


def _located(place: Place, environment: Mapping[str, str]) -> Location:
    if not isinstance(place, str):
        path = os.fspath(place)
        if path.partition("/")[0].removesuffix(":") in BUCKETS and ":/" in path:
            raise BadLocation(f"`{shown(path)}` was an address before it became a path", "give an address as a text")
        return Location(_at_home(path))
    if not place:
        # A variable that is not set leaves this, and nobody means the folder that the program happens to run in.
        raise _no_place()
    if "://" in place:
        from btql_storage.opening.address import complete, read

        return complete(*read(place), environment)
    place = _at_home(place)
    if not _is_configured(place, environment):
        return Location(place)
    from btql_storage.opening.address import complete, read
    from btql_storage.opening.configuration import named

    found = named(place, environment)
    if found is None:
        return Location(place)
    configured = {name: str(found.path(value)) if name == "cache" else value for name, value in found.services.items()}
    if "://" in found.files:
        location = complete(*read(found.files), environment, configured)
        return replace(location, limits=found.limits, layout=found.layout)
    base = Location(str(found.path(found.files)))
    location = complete(base, {}, environment, configured) if configured else base
    return replace(location, limits=found.limits, layout=found.layout)


def _at_home(path: str) -> str:
    """Return a path with the home folder in the place of ``~``, which no shell replaces in a program or a variable."""
    return os.path.expanduser(path) if path == "~" or path.startswith("~/") else path  # noqa: PTH111  it stays a text


def given_place() -> str:
    """Return the database that the environment names, for whoever names none."""
    found = os.environ.get(DATABASE)
    if not found:
        raise _no_place()
    return found


def _no_place() -> BadLocation:
    return BadLocation("no database was named", f"give a folder or an address, or set {DATABASE}")


def is_elsewhere(place: object) -> bool:
    """Return whether something is an address of a database, and no path."""
    return isinstance(place, str) and place.partition("://")[0].lower() in (*BUCKETS, "file") and "://" in place

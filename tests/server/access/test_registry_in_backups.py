"""Backups have the registry, wherever it was, and restoring brings it to wherever the new database has its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from typer.testing import CliRunner

import btql
from btql.cli.app import app
from btql_server.access import grants, key_store, members
from btql_server.access.key_store import KeySpec
from btql_server.access.keys import Keys
from btql_server.registry.copying import COLUMNS
from btql_server.registry.entity import EntitySpec, Listing
from btql_server.registry.opening import open_registry
from btql_server.registry.store import Registry
from btql_storage.opening.location import locate
from btql_storage.opening.services import store_at

KINDS = ("folder", "state folder", "postgres")
Maker = Callable[[str, str], str]


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Maker:
    """Return the maker of addresses of new databases, by a name and by where their registry is."""

    def of(name: str, kind: str) -> str:
        if kind == "folder":
            return str(tmp_path / name)
        if kind == "state folder":
            catalog = f"sqlite:{tmp_path}/{name}.sqlite"
        else:
            server = request.getfixturevalue("postgres_server")
            catalog = quote(f"{server}?schema=test_{uuid4().hex[:12]}", safe="")
        return f"file://{tmp_path}/{name}?catalog={catalog}"

    return of


def run(*arguments: object, code: int = 0) -> str:
    found = CliRunner().invoke(app, [*map(str, arguments)])
    assert found.exit_code == code, found.stderr or found.exception
    return found.stderr


def register(address: str) -> str:
    """Have an organization with a project, a member's grant and a key; return the key."""
    with closing(open_registry(locate(address))) as registry:
        organization = registry.default_organization()
        registry.delete(registry.create(EntitySpec("project", organization.id, name="gone"))[0])
        project, _ = registry.create(EntitySpec("project", organization.id, name="kept", body={"description": "é"}))
        owner = members.add_user(registry, organization.id, "ann@example.com")[0]
        grants.add(registry, grants.GrantSpec(organization.id, owner.id, "project", project.id, "read"))
        return key_store.create(registry, KeySpec(owner, "laptop"))[1]


def everything(registry: Registry) -> object:
    tables = ("entities", "keys", "grants")
    return {table: sorted(map(str, registry.rows(f"select * from {table}"))) for table in tables}


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_the_registry_goes_along(place: Maker, tmp_path: Path, source: str, target: str) -> None:
    one, other, backups = place("one", source), place("other", target), tmp_path / "backups"
    with btql.connect(one) as connection:
        connection.ingest("project_logs:p", [{"id": "a", "input": "x"}])
    key = register(one)
    with closing(open_registry(locate(one))) as registry:
        before = everything(registry)

    run("backup", one, backups)
    run("restore", backups, other)

    with btql.connect(other) as connection:
        assert connection.query("select: input | from: project_logs('p')").rows() == [{"input": "x"}]
    with closing(open_registry(locate(other))) as registry, closing(Keys(registry)) as keys:
        assert everything(registry) == before
        who = keys.principal(key)
        assert who is not None
        assert who.email == "ann@example.com"
        # Numbers go on behind those that came along, and names are taken as they were.
        organization = registry.default_organization()
        assert not registry.create(EntitySpec("project", organization.id, name="kept"))[1]
        new = registry.create(EntitySpec("project", organization.id, name="new"))[0]
        assert registry.list(Listing("project", organization.id))[0] == new
    with closing(store_at(locate(other))) as store:
        assert ("registry.sqlite" in store.list("")) is (target == "folder")


def test_every_column_goes_along(tmp_path: Path) -> None:
    with closing(Registry(tmp_path)) as registry:
        tables = registry.rows("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        columns = {
            name: ", ".join(each for (each,) in registry.rows("select name from pragma_table_info(?)", (name,)))
            for (name,) in tables
        }
    # It counts the changes of the tables that it is in.
    del columns["registry_changes"]
    assert columns == COLUMNS


def test_without_a_registry_there_is_none_to_take(place: Maker, tmp_path: Path) -> None:
    one, other = place("one", "postgres"), place("other", "postgres")
    with btql.connect(one) as connection:
        connection.ingest("project_logs:p", [{"id": "a"}])
    run("backup", one, tmp_path / "backups")
    run("restore", tmp_path / "backups", other)
    with btql.connect(other) as connection:
        assert connection.query("select: id | from: project_logs('p')").rows() == [{"id": "a"}]
    assert "registry.sqlite" not in [each.name for each in (tmp_path / "other").iterdir()]


def test_a_registry_that_is_there_is_not_replaced(place: Maker, tmp_path: Path) -> None:
    one, other = place("one", "folder"), place("other", "postgres")
    with btql.connect(one) as connection:
        connection.ingest("project_logs:p", [{"id": "a"}])
    register(one)
    run("backup", one, tmp_path / "backups")
    with closing(open_registry(locate(other))) as registry:
        registry.default_organization()
        before = everything(registry)

    message = run("restore", tmp_path / "backups", other, code=1)

    assert "there is a registry in" in message
    with closing(open_registry(locate(other))) as registry:
        assert everything(registry) == before
    assert (tmp_path / "other" / "registry.sqlite").is_file()

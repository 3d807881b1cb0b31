"""What is tried at services: nothing is changed there, and what does not work is said."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

import btql
from btql_storage.databases.postgres_connections import Address
from btql_storage.errors import OtherDatabase, StorageError
from btql_storage.opening.location import locate
from btql_storage.trial import tried as tried_module
from btql_storage.trial.services import try_services
from btql_storage.trial.tried import Tried


@pytest.fixture
def address(s3, postgres_url, redis_url, tmp_path: Path) -> str:
    place, endpoint = s3
    return f"{place}?catalog={postgres_url}&redis={redis_url}&endpoint={endpoint}&cache={tmp_path}/cache"


@pytest.fixture
def nowhere() -> str:
    """Host and port where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def words(found: Sequence[Tried], service: str) -> list[str]:
    return [f"{one.what}: {one.problem or one.remark}".rstrip(": ") for one in found if one.service == service]


def test_a_database_over_services_before_and_after_it_is_made(address):
    before = try_services(locate(address))
    assert [one for one in before if one.problem is not None] == []
    assert words(before, "files")[1] == "read: there is no database yet"
    assert "tables: there is no catalog yet; it will be made" in words(before, "catalog")

    with btql.connect(address) as conn:
        conn.ingest("project_logs:demo", [{"id": "a"}])
    after = try_services(locate(address))
    assert [one for one in after if one.problem is not None] == []
    assert words(after, "files")[2:] == ["write", "read back", "list", "write once only", "remove"]
    assert words(after, "files")[1].startswith("read: database ")
    connected, *others = words(after, "catalog")
    assert connected.startswith("connect: PostgreSQL 1")
    assert others == ["tables: the catalog is there", "read: 1 object", "write"]
    assert words(after, "redis")[0].startswith("connect: Redis ")
    assert words(after, "redis")[1] == "number a transaction: a number was taken and is read"
    assert words(after, "cache")[0] == "write"
    with btql.connect(address) as conn:
        assert conn.objects() == ["project_logs:demo"]


def test_a_folder_before_and_after_it_is_made(tmp_path):
    place = str(tmp_path / "db")
    assert words(try_services(locate(place)), "files")[:2] == ["read: there is no database yet", "make: it can be made"]
    assert not Path(place).exists()

    btql.connect(place).close()
    there = sorted(Path(place).glob("[!c]*"))
    found = try_services(locate(place))
    assert [one for one in found if one.problem is not None] == []
    assert words(found, "catalog") == ["read: 0 objects", "write"]
    assert sorted(Path(place).glob("[!c]*")) == there


def test_a_folder_that_is_something_else(tmp_path):
    (tmp_path / "photo.jpg").touch()

    (_, made) = [one for one in try_services(locate(str(tmp_path))) if one.what in ("read", "make")]

    assert made.problem is not None
    assert "not empty (it has `photo.jpg`)" in made.problem


def test_services_that_do_not_answer(monkeypatch, nowhere, tmp_path, s3):
    for module in ("trial.files", "trial.catalogs", "coordination.redis_register"):
        monkeypatch.setattr(f"btql_storage.{module}.PATIENCE_S", 0.2)
    found = try_services(
        locate(
            f"s3://bucket?endpoint=http://{nowhere}&catalog=postgresql://u:secret@{nowhere}/d"
            f"&redis=redis://:secret@{nowhere}&cache={tmp_path}"
        )
    )

    failed = {one.service: f"{one.place} {one.problem}" for one in found if one.problem is not None}
    assert set(failed) == {"files", "catalog", "redis"}
    for service, problem in failed.items():
        assert nowhere.partition(":")[2] in problem, service
    assert "secret" not in repr(found)


def test_a_catalog_in_another_place(address, s3, tmp_path):
    btql.connect(address).close()
    place, endpoint = s3

    found = try_services(locate(f"{place}?catalog=sqlite:{tmp_path}/x.sqlite&endpoint={endpoint}&cache={tmp_path}"))

    (problem,) = [one.problem for one in found if one.problem is not None]
    assert problem is not None
    assert "is in PostgreSQL; give its address" in problem


def refused(address: str) -> list[str]:
    """Return what does not work at an address, which is not opened either."""
    problems = [one.problem for one in try_services(locate(address)) if one.problem is not None]
    with pytest.raises(OtherDatabase):
        btql.connect(address)
    return problems


def test_an_empty_catalog_beside_a_database(address, postgres_server):
    btql.connect(address).close()
    catalog = locate(address).catalog
    assert catalog is not None
    other = address.replace(catalog, f"{postgres_server}?schema=test_{uuid4().hex[:12]}")

    # The first time it has no tables, and then those that were made by who was refused.
    for _ in range(2):
        (problem,) = refused(other)
        assert "is empty, but there is a database at `s3://" in problem


def test_an_empty_catalog_in_a_file_beside_a_database(tmp_path):
    address = f"file://{tmp_path}/db?catalog=sqlite:{tmp_path}/x.sqlite"
    btql.connect(address).close()

    (problem,) = refused(address.replace("x.sqlite", "y.sqlite"))
    assert f"the catalog `{tmp_path}/y.sqlite` is empty, but there is a database" in problem


def test_the_catalog_of_another_database(address, s3):
    btql.connect(address).close()
    place, _ = s3

    (problem,) = refused(address.replace(place, f"{place}-other", 1))
    assert f"is the one of the database at `{place}`" in problem


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("catalog", "numbered by PostgreSQL; leave Redis out"),
        ("newer", "which this btql does not know; install a newer"),
    ],
)
def test_another_way_to_number_transactions(address, postgres_server, known: str, told: str):
    btql.connect(address).close()
    schema = Address.of(locate(address).catalog or "").schema
    with psycopg.connect(postgres_server, autocommit=True) as owner:
        change = sql.SQL("update {} set value = {} where name = 'numbers'")
        owner.execute(change.format(sql.Identifier(schema, "settings"), sql.Literal(known)))

    (problem,) = [one.problem for one in try_services(locate(address)) if one.problem is not None]
    assert problem is not None
    assert told in problem
    with pytest.raises(StorageError, match=told):
        btql.connect(address)


def test_a_schema_that_the_user_may_not_use(address, postgres_server):
    btql.connect(address).close()
    role = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as owner:
        owner.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    other = address.replace("postgres@", f"{role}@")

    (problem,) = [one.problem for one in try_services(locate(other)) if one.problem is not None]
    assert problem is not None
    assert "may not use the schema" in problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    btql.connect(tmp_path / "db").close()
    (tmp_path / "db").chmod(0o500)
    try:
        found = try_services(locate(str(tmp_path / "db")))
    finally:
        (tmp_path / "db").chmod(0o700)

    assert any("permission denied" in (one.problem or "") for one in found)


def test_less_is_tried_after_a_failure():
    service = tried_module.Service("files", "here")

    def fail() -> None:
        raise PermissionError(13, "Permission denied", "here/x")

    service.attempt("first", fail)
    service.attempt("second", fail)

    assert [(one.what, one.problem) for one in service.tried] == [("first", "here/x: permission denied")]

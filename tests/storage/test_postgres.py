"""PostgreSQL under a catalog: what goes wrong is one clear line, and what can go on does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any, cast

import psycopg
import pytest
from storage_support.proxy import Network, Proxy, proxied

from btql_storage.catalog import Catalog
from btql_storage.databases import postgres, postgres_connections
from btql_storage.databases.interface import Run
from btql_storage.databases.patient import PatientConnection
from btql_storage.errors import (
    AccessDenied,
    BadLocation,
    BadText,
    InputOutput,
    Locked,
    NewerFormat,
    NotADatabase,
    NotInstalled,
    StorageError,
    Unreachable,
)


def open_catalog(url: str, *, read_only: bool = False) -> Catalog:
    return Catalog.postgres(url, read_only=read_only, wait_s=5)


@pytest.fixture
def catalog(postgres_url: str) -> Generator[Catalog]:
    with closing(open_catalog(postgres_url)) as one:
        yield one


@pytest.fixture
def server(postgres_server: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        yield connection


def cut_all(server: psycopg.Connection) -> None:
    """End all connections but this one, as a restart of the server does."""
    server.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'btql'")


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("postgresql://btql:secret@127.0.0.1:1/x", Unreachable, "see that the server runs"),
        ("{server}/../nowhere", NotADatabase, "createdb"),
        ("{server}?schema=Robert'); drop", BadLocation, "is no name of a schema"),
        ("{server}?color=red", BadLocation, "check the address"),
        ("{limited}?schema=new", AccessDenied, "permission denied for database"),
        ("{limited}?schema=theirs", AccessDenied, "what the user may do in the schema"),
        ("postgresql://nobody@{host}/postgres", AccessDenied, "check user, password"),
        ("postgresql://nologin@{host}/postgres", AccessDenied, "check user, password"),
    ],
)
def test_what_cannot_be_opened_says_why(server, postgres_server: str, address: str, kind: type, words: str):
    for role in ("limited login", "nologin"):
        server.execute(f"do $$ begin create role {role}; exception when duplicate_object then null; end $$")
    server.execute("create schema if not exists theirs")
    base = postgres_server.rsplit("/", 1)[0]
    limited = postgres_server.replace("postgres@", "limited@")
    address = address.replace("{server}/..", base).replace("{server}", postgres_server).replace("{limited}", limited)
    address = address.replace("{host}", base.rpartition("@")[2])
    with pytest.raises(kind) as caught:
        open_catalog(address)

    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_reader_makes_nothing(postgres_url: str):
    with pytest.raises(NotADatabase, match="there is no catalog in"):
        open_catalog(postgres_url, read_only=True)


def test_a_role_needs_the_schema_to_write_and_select_to_read(server, postgres_server: str, postgres_url: str):
    schema = postgres_url.rpartition("=")[2]
    server.execute("do $$ begin create role limited login; exception when duplicate_object then null; end $$")
    server.execute(f"create schema {schema} authorization limited")
    with closing(open_catalog(postgres_url.replace("postgres@", "limited@"))) as writer:
        target = writer.create_object("dataset", "d")
    server.execute("drop role if exists reader")
    server.execute("create role reader login")
    server.execute(f"grant usage on schema {schema} to reader")
    server.execute(f"grant select on all tables in schema {schema} to reader")
    with closing(open_catalog(postgres_url.replace("postgres@", "reader@"), read_only=True)) as reader:
        assert reader.objects() == [target]
        assert reader.view(target.id).parts == []
    with closing(open_catalog(postgres_url.replace("postgres@", "reader@"))) as reader:
        refused = pytest.raises(AccessDenied, match="permission denied for table")
        with refused:
            reader.create_object("dataset", "new")
    server.execute("drop owned by reader")


def test_tables_of_a_newer_version(catalog: Catalog, postgres_url: str):
    with catalog.database.writing() as run:
        run.execute("update versions set version = 99")
    with pytest.raises(NewerFormat, match="version 99"):
        open_catalog(postgres_url)


def test_a_server_that_was_restarted_is_found_again(catalog: Catalog, server):
    target = catalog.create_object("dataset", "d")
    cut_all(server)
    assert catalog.objects() == [target]
    cut_all(server)
    assert catalog.next_part_id() == 1
    cut_all(server)
    with catalog.database.reading() as run:
        assert run.execute("select count(*) from objects").fetchone() == (1,)


@contextmanager
def closing_timer(timer: threading.Timer) -> Generator[None]:
    timer.start()
    try:
        yield
    finally:
        timer.join()


def write(catalog: Catalog, *steps: Callable[[Run], object]) -> None:
    """Set something in a transaction, with steps of others in between."""
    with catalog.database.writing() as run:
        for number, step in enumerate(steps):
            run.execute("insert into settings values (?, 'there')", (f"step {number}",))
            step(run)


def test_a_transaction_that_was_cut_off_is_an_error_and_changed_nothing(catalog: Catalog, server):
    with pytest.raises(Unreachable, match=r"terminating connection .* try again"):
        write(catalog, lambda _: cut_all(server), print)

    assert catalog.setting("step 0") is None


def test_a_commit_without_an_answer_says_that_it_may_have_happened(catalog: Catalog, server):
    with pytest.raises(Unreachable, match="it may have happened or not"):
        write(catalog, lambda _: cut_all(server))


def test_a_writer_that_stands_still_does_not_hold_up_others(
    postgres_url: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres_connections, "STANDS_STILL_S", 0.3)
    numbers: list[int] = []
    with closing(open_catalog(postgres_url)) as paused, pytest.raises(Locked, match="did nothing for too long"):
        # The other one waits until the server has taken the transaction back.
        write(paused, lambda _: numbers.append(catalog.next_part_id()), print)

    assert numbers == [1]
    assert catalog.setting("step 0") is None


def test_an_answer_that_does_not_come_is_not_waited_for(catalog: Catalog):
    def wait(run: Run) -> None:
        cast("Any", run)._connection.answer_s = 0.1
        run.execute("select pg_sleep(20)")

    with pytest.raises(Unreachable, match=r"no answer for 0\.1 s"):
        write(catalog, wait)

    assert catalog.objects() == []


@pytest.fixture
def network(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[Catalog, Proxy]]:
    """A catalog behind a network, of somebody who loses patience soon."""
    with proxied(postgres_url) as (url, proxy), closing(open_catalog(url)) as catalog:
        # To make the tables may take a busy machine longer.
        monkeypatch.setattr(postgres_connections, "_RECONNECT_S", 0.2)
        monkeypatch.setattr(postgres_connections, "_CONNECT_S", 2)
        monkeypatch.setattr(PatientConnection, "answer_s", 1)
        monkeypatch.setattr(postgres, "ANSWER_S", 1)
        yield catalog, proxy


@pytest.mark.parametrize("weather", [Network.CUT, Network.SILENT])
def test_a_network_that_fails_is_an_error_until_it_is_fine_again(network: tuple[Catalog, Proxy], weather: Network):
    catalog, proxy = network
    target = catalog.create_object("dataset", "d")
    proxy.set(weather)
    with pytest.raises(Unreachable, match="try again"):
        catalog.objects()
    proxy.set(Network.FINE)

    assert catalog.objects() == [target]
    proxy.set(Network.CUT)
    with pytest.raises(Unreachable, match="try again"):
        catalog.next_part_id()
    proxy.set(Network.FINE)
    assert catalog.next_part_id() == 1


def test_a_network_that_is_soon_fine_again_is_waited_for(
    network: tuple[Catalog, Proxy], monkeypatch: pytest.MonkeyPatch
):
    catalog, proxy = network
    monkeypatch.setattr(postgres_connections, "_RECONNECT_S", 20)
    proxy.set(Network.CUT)
    with closing_timer(threading.Timer(0.2, proxy.set, [Network.FINE])):
        assert catalog.next_part_id() == 1


def test_a_commit_whose_answer_is_lost_may_have_happened(network: tuple[Catalog, Proxy]):
    catalog, proxy = network
    with pytest.raises(Unreachable, match="it may have happened or not"):
        write(catalog, lambda _: proxy.set(Network.ANSWERS_LOST))

    assert catalog.setting("step 0") == "there"


def test_what_is_wrong_in_a_statement_is_a_storage_error(catalog: Catalog):
    with pytest.raises(InputOutput, match="division by zero"), catalog.database.reading() as run:
        run.execute("select 1 / 0")
    with pytest.raises(StorageError, match="schema"), catalog.database.writing() as run:
        run.execute("create table nowhere.t (id integer)")

    assert catalog.objects() == []


def test_a_name_that_cannot_be_kept_is_refused(catalog: Catalog):
    with pytest.raises(BadText, match=r"NUL .* leave that character out"):
        catalog.create_object("dataset", "a\0b")

    assert catalog.objects() == []


def test_an_unchanged_object_takes_one_statement(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    target = catalog.create_object("dataset", "d")
    catalog.view(target.id)
    asked: list[int] = []
    read = catalog.database.read
    monkeypatch.setattr(
        catalog.database, "read", lambda statements: asked.append(len(statements(3))) or read(statements)
    )
    catalog.view(target.id)

    assert asked == [1]


def test_removed_rows_leave_the_tables_files(catalog: Catalog):
    catalog.put_setting("a", "b")
    catalog.put_setting("a", None)
    catalog.database.scrub(thorough=False)
    catalog.database.scrub(thorough=True)

    assert "PostgreSQL" in catalog.database.beyond_scrubbing[0]


def test_several_may_make_the_tables_at_once(postgres_url: str):
    opened: list[Catalog] = []
    threads = [threading.Thread(target=lambda: opened.append(open_catalog(postgres_url))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(opened) == 4
    for one in opened:
        one.close()


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "btql_storage.databases.patient")
    with pytest.raises(NotInstalled, match=r"needs the library `psycopg`; pip install 'btql\[cloud\]'"):
        open_catalog("postgresql://127.0.0.1/x")

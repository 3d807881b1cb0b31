"""The registry in each of the databases it may be in, with several processes at it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from btql_server.access import grants, key_store, members
from btql_server.access.key_store import KeySpec
from btql_server.access.keys import Keys
from btql_server.access.model import ORGANIZATION, Level
from btql_server.registry import store
from btql_server.registry.changes import Change, collecting
from btql_server.registry.entity import EntitySpec, Listing
from btql_server.registry.store import NameTaken, Registry
from btql_storage.errors import Locked


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def registry(place):
    with closing(Registry(place)) as found:
        yield found


@pytest.fixture
def other(place):
    """The registry as another process has it."""
    with closing(Registry(place)) as found:
        yield found


def project(registry: Registry, name: str):
    organization = registry.default_organization()
    return registry.create(EntitySpec("project", org_id=organization.id, name=name, body={"settings": {"n": 1}}))


def test_entities_have_one_name_among_the_living(registry: Registry, other: Registry):
    first, made = project(registry, "a")
    assert made
    assert project(other, "a") == (first, False)
    second, _ = project(other, "b")
    with pytest.raises(NameTaken, match="another project `a`"):
        registry.update(second, {"x": 1}, name="a")
    renamed = registry.update(second, {"description": "é\n"}, name="c")

    assert renamed.body == {"settings": {"n": 1}, "description": "é\n"}
    assert other.get("project", second.id) == renamed
    registry.delete(first)
    assert other.get("project", first.id) is None
    again, made = project(other, "a")
    assert made
    assert again.id != first.id


def test_several_are_found_at_once_each_where_it_is_looked_for(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_AT_ONCE", 2)
    one, other = (project(registry, name)[0] for name in ("a", "b"))
    made = {
        (each.id, slug): registry.create(EntitySpec("view", each.org_id, each.id, slug=slug))[0]
        for each, slugs in ((one, "abc"), (other, "ab"))
        for slug in slugs
    }
    wanted = [(one.id, "a"), (other.id, "b"), (other.id, "c"), (one.id, "c")]

    assert {each.id for each in registry.find_all("view", wanted)} == {
        made[place].id for place in wanted if place in made
    }
    assert registry.find_all("view", []) == []
    assert registry.find_all("prompt", wanted) == []


def test_lists_go_page_by_page(registry: Registry):
    ids = [project(registry, f"p{number}")[0].id for number in range(5)][::-1]
    org_id = registry.default_organization().id

    def page(**wanted) -> list[str]:
        return [each.id for each in registry.list(Listing("project", org_id, **wanted))]

    assert page() == ids
    assert page(limit=2) == ids[:2]
    assert page(limit=2, starting_after=ids[1]) == ids[2:4]
    assert page(limit=2, ending_before=ids[3]) == ids[1:3]
    assert page(ids=[ids[0], ids[4], "nothing"]) == [ids[0], ids[4]]
    assert page(ids=[]) == []
    assert page(limit=10**30) == ids


def test_a_transaction_is_whole_and_reports_what_it_did(registry: Registry, other: Registry):
    def fail() -> None:
        with registry.writing():
            project(registry, "gone")
            assert registry.find("project", registry.default_organization().id, "gone") is not None
            raise ZeroDivisionError

    with collecting([]) as changes:
        with pytest.raises(ZeroDivisionError):
            fail()
        assert changes == []
        project(registry, "kept")

    assert Change("create", "project", changes[-1].object_id, "kept") == changes[-1]
    assert [each.name for each in other.list(Listing("project"))] == ["kept"]


def test_threads_and_processes_make_one_entity(registry: Registry, other: Registry):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: project((registry, other)[number % 2], "same"), range(8)))

    assert len({entity.id for entity, _ in found}) == 1
    assert sum(made for _, made in found) == 1


def test_reads_wait_for_no_writer(registry: Registry):
    project(registry, "a")
    names: list[list[str | None]] = []
    with registry.writing() as run:
        run.execute("update entities set name = 'b' where kind = 'project'")
        reader = threading.Thread(target=lambda: names.append([one.name for one in registry.list(Listing("project"))]))
        reader.start()
        reader.join(20)
        assert [one.name for one in registry.list(Listing("project"))] == ["b"]

    assert names == [["a"]]


def test_what_another_process_changes_holds_at_once(registry: Registry, other: Registry):
    owner = members.add_user(registry, registry.default_organization().id, "ann@example.com", "Ann", "Lee")[0]
    key, text = key_store.create(registry, KeySpec(owner, "a key"))
    with closing(Keys(registry)) as keys, closing(Keys(other)) as others:
        for each in (keys, others):
            assert allowed(each, text) == {}
        grant, _ = grants.add(other, grants.GrantSpec(owner.org_id, owner.id, "organization", owner.org_id, "update"))
        assert grants.add(registry, grants.GrantSpec(*_same(grant))) == (grant, False)
        for each in (keys, others):
            assert allowed(each, text) == {ORGANIZATION: Level.WRITE}
            assert each.principal(text) is each.principal(text), "it is kept"
        key_store.revoke(other, key)
        for each in (keys, others):
            assert each.principal(text) is None
            assert each.provable("ann@example.com")[1] == []


def allowed(keys: Keys, text: str) -> Mapping[str, Level] | None:
    principal = keys.principal(text)
    return None if principal is None else principal.grants


def _same(grant: grants.Grant) -> tuple[str, ...]:
    return grant.org_id, grant.principal_id, grant.object_type, grant.object_id, grant.permission


def test_that_a_key_was_used_makes_nobody_look_again(registry: Registry, other: Registry):
    owner = members.add_user(registry, registry.default_organization().id, "ann@example.com", "Ann", "Lee")[0]
    _, text = key_store.create(registry, KeySpec(owner, "a key"))
    with closing(Keys(other)) as others:
        kept = others.principal(text)
        with closing(Keys(registry)) as keys:
            assert keys.principal(text) == kept

        assert [one.last_used_at is None for one in key_store.listed(registry)] == [False]
        assert others.principal(text) is kept


def test_a_registry_of_version_1_is_brought_up_to_date(tmp_path: Path):
    with closing(Registry(tmp_path)) as registry:
        made, _ = project(registry, "a")
    with closing(sqlite3.connect(tmp_path / "registry.sqlite")) as connection:
        for column in ("scram_salt", "scram_stored_key", "scram_server_key"):
            connection.execute(f"alter table keys drop column {column}")
        connection.execute("drop table registry_changes")
        connection.execute("pragma user_version = 1")
    with closing(Registry(tmp_path)) as registry, closing(Keys(registry)) as keys:
        assert registry.get("project", made.id) == made
        assert not keys.any()


def test_a_registry_that_is_locked_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("btql_server.registry.schema.WAIT_S", 0.01)
    with closing(Registry(tmp_path)) as one, closing(Registry(tmp_path)) as two:
        two.default_organization()
        with one.writing(), pytest.raises(Locked):
            project(two, "a")

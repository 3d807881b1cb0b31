"""Keys: what is stored of them, whom they belong to, and when they stop working."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from btql_server.access import grants, key_store, key_text, members
from btql_server.access.key_store import KeySpec
from btql_server.access.keys import Keys
from btql_server.access.model import AUDIT_LOG, ORGANIZATION, Level, Principal, Resource
from btql_server.registry.entity import EntitySpec
from btql_server.registry.store import Registry


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path)
    yield found
    found.close()


@pytest.fixture
def keys(registry):
    found = Keys(registry)
    yield found
    found.close()


@pytest.fixture
def user(registry):
    organization = registry.default_organization()
    return members.add_user(registry, organization.id, "ann@example.com", "Ann", "Lee")[0]


def made(registry, owner, **more):
    return key_store.create(registry, KeySpec(owner, "a key", **more))


def stored(registry, key) -> Any:
    """Return what the registry has of a key."""
    return key_store.get(registry, key.id)


def granted(registry, member, level, object_type="organization", object_id=None):
    spec = grants.GrantSpec(
        member.org_id, member.id, object_type, object_id or member.org_id, grants.PERMISSION_FOR[level]
    )
    return grants.add(registry, spec)[0]


def test_a_key_is_its_owner(registry, keys, user):
    granted(registry, user, Level.WRITE)
    key, text = made(registry, user)

    principal = keys.principal(text)

    assert principal is not None
    assert (principal.id, principal.kind, principal.email) == (user.id, "user", "ann@example.com")
    assert (principal.org_id, principal.org_name, principal.key_id) == (user.org_id, "default", key.id)
    assert principal.grants == {ORGANIZATION: Level.WRITE}


def test_keys_that_are_made_at_once_share_a_salt(registry, user, tmp_path):
    begin = threading.Barrier(4)

    def make(_) -> None:
        with closing(Registry(tmp_path)) as own:
            begin.wait(20)
            made(own, user)

    with ThreadPoolExecutor(begin.parties) as threads:
        list(threads.map(make, range(begin.parties)))

    with registry.reading() as connection:
        salts = connection.execute("select scram_salt, count(*) from keys group by scram_salt").fetchall()
    assert [count for _, count in salts] == [begin.parties]


def test_nothing_of_a_key_is_stored_but_its_prefix_and_a_hash(registry, user, tmp_path):
    key, text = made(registry, user)

    registry.close()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert key.prefix.encode() in files
    assert text.removeprefix(key.prefix)[1:].encode() not in files
    assert key_text.hash_of(text) in files
    assert text not in repr(key)


def test_keys_are_long_and_never_the_same():
    texts = {key_text.new_key() for _ in range(1_000)}

    assert len(texts) == 1_000
    assert all(len(text) == len("sk-") + 12 + 1 + 43 for text in texts)


@pytest.mark.parametrize(
    "text",
    ["", "sk-", "Bearer", "sk-000000000000", "sk-000000000000_" + "a" * 43, "x" * 100_000, "sk-é", "\udcff", "\0"],
)
def test_what_is_no_key_belongs_to_nobody(registry, keys, user, text):
    made(registry, user)
    assert keys.principal(text) is None


def test_a_prefix_with_another_secret_belongs_to_nobody(registry, keys, user):
    _, text = made(registry, user)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")

    assert keys.principal(text) is not None
    assert keys.principal(wrong) is None
    assert keys.principal(text + "A") is None
    assert keys.principal(text[: text.index("_")]) is None


def test_hashes_are_compared_in_constant_time_and_always(registry, keys, user, monkeypatch):
    """Also for a key that nobody has, so that a refusal takes the same way as any other."""
    compared = []
    really = key_text.hmac.compare_digest

    def compare(left, right):
        compared.append((left, right))
        return really(left, right)

    monkeypatch.setattr(key_text.hmac, "compare_digest", compare)
    _, text = made(registry, user)
    stranger = key_text.new_key()

    assert keys.principal(text) is not None
    assert keys.principal(text) is not None
    assert keys.principal(stranger) is None

    stored = key_text.hash_of(text)
    assert compared == [(stored, stored), (stored, stored), (key_text.hash_of(stranger), bytes(32))]


def test_a_revoked_key_stops_working_at_once(registry, keys, user):
    key, text = made(registry, user)
    _, other = made(registry, user)
    assert keys.principal(text) is not None

    key_store.revoke(registry, key)

    assert keys.principal(text) is None
    assert keys.principal(other) is not None
    assert stored(registry, key).revoked_at is not None
    assert [each.prefix for each in key_store.listed(registry)] == [key_text.prefix_of(other)]


def test_a_key_that_another_process_revokes_stops_working_at_once(registry, keys, user, tmp_path):
    key, text = made(registry, user)
    assert keys.principal(text) is not None
    program = """
import sys
from pathlib import Path
from btql_server.access import key_store
from btql_server.registry.store import Registry

registry = Registry(Path(sys.argv[1]))
key_store.revoke(registry, key_store.get(registry, sys.argv[2]))
"""

    subprocess.run([sys.executable, "-c", program, str(tmp_path), key.id], check=True, timeout=60)

    assert keys.principal(text) is None


def test_an_expired_key_stops_working_without_anybody_writing(registry, keys, user, monkeypatch):
    now = datetime.now(UTC)
    _, text = made(registry, user, expires_at=now + timedelta(hours=1))
    _, late = made(registry, user, expires_at=now - timedelta(seconds=1))
    assert keys.principal(text) is not None
    assert keys.principal(late) is None

    monkeypatch.setattr("btql_server.access.keys.time.time", (now + timedelta(hours=1, seconds=1)).timestamp)

    assert keys.principal(text) is None


def test_grants_that_change_hold_at_once(registry, keys, user):
    _, text = made(registry, user)
    assert keys.principal(text).grants == {}

    grant = granted(registry, user, Level.ADMIN)
    assert keys.principal(text).grants == {ORGANIZATION: Level.ADMIN}

    grants.remove(registry, grant)
    assert keys.principal(text).grants == {}


def test_a_member_who_leaves_has_no_keys(registry, keys, user):
    granted(registry, user, Level.ADMIN)
    _, text = made(registry, user)
    assert keys.principal(text) is not None

    members.remove(registry, user)

    assert keys.principal(text) is None
    again, new = members.add_user(registry, user.org_id, "Ann@Example.com ")
    assert new
    assert again.id != user.id
    _, text = made(registry, again)
    assert keys.principal(text).grants == {}


def test_service_tokens_have_no_email(registry, keys):
    organization = registry.default_organization()
    token, new = members.add_service_token(registry, organization.id, "ci")
    assert new
    assert members.add_service_token(registry, organization.id, "ci") == (token, False)
    _, text = made(registry, token)

    principal = keys.principal(text)

    assert (principal.kind, principal.email, principal.id) == ("service_token", None, token.id)


@pytest.mark.parametrize(
    "email", ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "a\n@b", "x" * 400 + "@b"]
)
def test_what_is_no_email_makes_no_user(registry, email):
    with pytest.raises(ValueError, match="is not an email"):
        members.add_user(registry, registry.default_organization().id, email)


def test_when_a_key_was_last_used_is_written_later_and_seldom(registry, user, tmp_path):
    keys = Keys(registry)
    key, text = made(registry, user)

    for _ in range(100):
        assert keys.principal(text) is not None
    assert stored(registry, key).last_used_at is None
    keys.close()

    assert stored(registry, key).last_used_at is not None
    with sqlite3.connect(tmp_path / "registry.sqlite") as connection:
        assert connection.execute("select count(*) from keys where last_used_at is not null").fetchone() == (1,)
    connection.close()


def test_lookups_do_not_wait_for_a_writer(registry, keys, user):
    _, text = made(registry, user)
    answers = []
    with registry.writing() as connection:
        connection.execute("update keys set name = 'in the middle of a change'")
        thread = threading.Thread(target=lambda: answers.append(keys.principal(text)))
        thread.start()
        thread.join(10)
        assert len(answers) == 1
        assert answers[0] is not None


def test_nobody_is_the_owner_of_the_oldest_organization(registry, keys):
    first = keys.anonymous()
    assert first.org_name == "default"
    assert keys.anonymous() == first
    registry.create(EntitySpec("organization", name="younger"))
    assert keys.anonymous() == first

    registry.update(registry.get("organization", first.org_id), {}, name="renamed")

    assert keys.anonymous().org_name == "renamed"
    assert keys.anonymous().level(Resource(first.org_id)) is Level.ADMIN


ORG, OTHER_ORG, PROJECT, OTHER_PROJECT, THING = "org", "other org", "project", "other project", "thing"
EVERYTHING = Resource(ORG)
A_PROJECT = Resource(ORG, PROJECT, "project", PROJECT)
A_THING = Resource(ORG, PROJECT, "experiment", THING)
ELSEWHERE = Resource(ORG, OTHER_PROJECT, "experiment", "another thing")
LOG = Resource(ORG, None, AUDIT_LOG, f"audit_log:{ORG}")
R, W, A, N = Level.READ, Level.WRITE, Level.ADMIN, Level.NONE


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        # Levels for: the organization, the project, the thing in it, a thing elsewhere, the audit log.
        ({"grants": {}}, (N, N, N, N, N)),
        ({"grants": {ORGANIZATION: R}}, (R, R, R, R, N)),
        ({"grants": {ORGANIZATION: W}}, (W, W, W, W, N)),
        ({"grants": {ORGANIZATION: A}}, (A, A, A, A, R)),
        ({"grants": {ORGANIZATION: A}, "key_level": W}, (W, W, W, W, N)),
        ({"grants": {ORGANIZATION: R, PROJECT: W}}, (R, W, W, R, N)),
        ({"grants": {PROJECT: A}}, (N, A, A, N, N)),
        ({"grants": {PROJECT: A}, "key_level": R}, (N, R, R, N, N)),
        ({"grants": {THING: W}}, (N, N, W, N, N)),
        ({"grants": {ORGANIZATION: A}, "key_project_id": PROJECT}, (N, A, A, N, N)),
        ({"grants": {ORGANIZATION: A}, "key_project_id": OTHER_PROJECT, "key_level": R}, (N, N, N, R, N)),
        ({"grants": {ORGANIZATION: A}, "org_id": OTHER_ORG}, (N, N, N, N, N)),
    ],
)
def test_levels(given, levels):
    principal = Principal("someone", "user", given.pop("org_id", ORG), "name", **given)
    assert tuple(principal.level(each) for each in (EVERYTHING, A_PROJECT, A_THING, ELSEWHERE, LOG)) == levels

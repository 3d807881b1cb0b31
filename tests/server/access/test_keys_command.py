"""``btql keys``: from the command line to a key that a server takes."""

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import btql
from btql.cli.app import app
from btql.cli.console import UsageFailure
from btql.cli.keys import moment
from btql_server.access.keys import Keys
from btql_server.access.model import ORGANIZATION, Level
from btql_server.registry.entity import EntitySpec
from btql_server.registry.store import Registry
from btql_server.running import running
from btql_server.settings import Settings


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "db"


def run(*arguments, code=0):
    found = CliRunner().invoke(app, ["keys", *map(str, arguments)])
    assert found.exit_code == code, found.stderr or found.exception
    return found


def made(folder, *arguments):
    return run("create", "--data", folder, *arguments).stdout.strip()


def principal(folder, text) -> Any:
    """Return whoever a key belongs to, or None."""
    with closing(Registry(folder)) as registry, closing(Keys(registry)) as keys:
        return keys.principal(text)


def project(folder, name):
    with closing(Registry(folder)) as registry:
        return registry.create(EntitySpec("project", registry.default_organization().id, name=name))[0]


def test_the_first_key_makes_everything_it_needs(folder):
    found = run("create", "--data", folder, "--organization", "acme", "--user", "Ann@Example.com", "--level", "admin")

    (text,) = found.stdout.splitlines()
    assert re.fullmatch(r"sk-[0-9a-f]{12}_[\w-]{43}", text)
    assert text not in found.stderr
    assert "create organization acme" in found.stderr
    assert "create user ann@example.com" in found.stderr
    who = principal(folder, text)
    assert (who.email, who.org_name, who.grants, who.key_level) == (
        "ann@example.com",
        "acme",
        {ORGANIZATION: Level.ADMIN},
        Level.ADMIN,
    )


def test_a_server_takes_the_key_until_it_is_revoked_by_another_process(folder):
    text = made(folder, "--service-token", "ci")
    with running(Settings(folder, ("127.0.0.1", 0))) as url:
        headers = {"authorization": f"Bearer {text}"}
        assert httpx.post(f"{url}/api/apikey/login", headers=headers).status_code == 200

        run("revoke", text, "--data", folder)

        assert httpx.post(f"{url}/api/apikey/login", headers=headers).status_code == 401


def test_without_an_owner_it_is_the_default_service_token_and_may_write(folder):
    who = principal(folder, made(folder))
    assert (who.kind, who.name, who.org_name, who.key_level) == ("service_token", "default", "default", Level.WRITE)
    assert who.grants == {ORGANIZATION: Level.WRITE}


def test_a_key_for_a_project_is_for_nothing_else(folder):
    made(folder)
    wanted, other = project(folder, "checkout"), project(folder, "search")

    for which in ("checkout", wanted.id):
        who = principal(folder, made(folder, "--service-token", "ci", "--project", which))
        assert who.level(wanted.resource) is Level.WRITE
        assert who.level(other.resource) is Level.NONE
        assert who.grants == {wanted.id: Level.WRITE}


def test_a_key_of_an_administrator_may_be_for_less(folder):
    made(folder, "--user", "ann@example.com", "--level", "admin")
    wanted, other = project(folder, "checkout"), project(folder, "search")

    who = principal(folder, made(folder, "--user", "ann@example.com", "--level", "read", "--project", "checkout"))

    assert who.grants == {ORGANIZATION: Level.ADMIN}
    assert (who.level(wanted.resource), who.level(other.resource)) == (Level.READ, Level.NONE)


def test_a_key_for_more_than_its_owner_may_gives_the_owner_more(folder):
    first = made(folder, "--user", "ann@example.com", "--level", "read")
    second = made(folder, "--user", "ann@example.com", "--level", "admin")

    assert principal(folder, second).grants == {ORGANIZATION: Level.ADMIN}
    assert principal(folder, first).key_level is Level.READ


def test_list_and_revoke(folder):
    first = made(folder, "--user", "ann@example.com", "--name", "laptop", "--expires", "30d")
    second = made(folder, "--service-token", "ci", "--organization", "acme")

    listed = run("list", "--data", folder).stdout
    rows = [json.loads(line) for line in run("list", "--data", folder, "--format", "jsonl").stdout.splitlines()]

    assert [row["key"] for row in rows] == [second[:15], first[:15]]
    assert (rows[1]["name"], rows[1]["owner"], rows[1]["level"]) == ("laptop", "ann@example.com", "write")
    ends = datetime.fromisoformat(rows[1]["expires"])
    assert timedelta(days=29, hours=23) < ends - datetime.now(UTC) < timedelta(days=30)
    for text in (first, second):
        assert text[:15] in listed
        assert text[15:] not in listed
        assert all(text[15:] not in str(row) for row in rows)
    assert first[:15] not in run("list", "--data", folder, "--organization", "acme").stdout

    run("revoke", first[:15], "--data", folder)

    assert principal(folder, first) is None
    assert principal(folder, second) is not None
    assert first[:15] not in run("list", "--data", folder).stdout
    assert first[:15] in run("list", "--data", folder, "--all").stdout
    assert "was revoked before" in run("revoke", first[:15], "--data", folder).stderr


def test_what_the_command_does_is_in_the_audit_log(folder):
    text = made(folder, "--user", "ann@example.com")
    run("revoke", text[:15], "--data", folder)

    with btql.connect(folder) as connection:
        (log,) = [each for each in connection.objects() if each.startswith("audit_log:")]
        rows = list(
            connection.query(
                "select: action, object_type, name, actor.kind as kind, route"
                f" | from: audit_log('{log.partition(':')[2]}') | sort: created, action"
            )
        )

    assert {(row["action"], row["object_type"], row["name"]) for row in rows} == {
        ("create", "organization", "default"),
        ("create", "user", "ann@example.com"),
        ("grant", "organization", None),
        ("create", "key", "write key"),
        ("revoke", "key", "write key"),
    }
    assert {row["kind"] for row in rows} == {"command_line"}
    assert {row["route"] for row in rows} == {"btql keys create", "btql keys revoke"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "--user", "a@b", "--service-token", "ci"], 2, "not for both"),
        (["create", "--user", "ann"], 1, "`ann` is not an email"),
        (["create", "--service-token", " "], 1, "1 to 256 printable characters"),
        (["create", "--level", "root"], 2, "--level takes read, write, admin, not root"),
        (["create", "--expires", "soon"], 2, "`soon` is no time: write 30d"),
        (["create", "--expires", "999999w"], 2, "is no time"),
        (["create", "--expires", "2001-01-01"], 2, "is not in the future"),
        (["create", "--project", "nowhere"], 1, "there is no project `nowhere` in the organization `default`"),
        (["create", "--organization", "00000000-0000-0000-0000-000000000001"], 1, "there is no organization"),
        (["list", "--organization", "nobody"], 1, "there is no organization `nobody`; there is `default`"),
        (["list", "--format", "xml"], 2, "--format takes table, jsonl, not xml"),
        (["revoke", "sk-000000000000"], 1, "there is no key `sk-000000000000`"),
        (["revoke", "' or true --"], 1, "there is no key"),
    ],
)
def test_mistakes(folder, arguments, code, words):
    run("list", "--data", folder, code=1)  # There is no database yet.
    made(folder)
    before = run("list", "--data", folder, "--all").stdout

    found = run(*arguments, "--data", folder, code=code)

    assert words in found.stderr
    assert found.stdout == ""
    assert run("list", "--data", folder, "--all").stdout == before


def test_moments():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert moment("90m", now) == now + timedelta(minutes=90)
    assert moment("12h", now) == now + timedelta(hours=12)
    assert moment(" 30d", now) == now + timedelta(days=30)
    assert moment("2w", now) == now + timedelta(weeks=2)
    assert moment("2026-02-01T10:00:00+02:00", now) == datetime(2026, 2, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    with pytest.raises(UsageFailure):
        moment("0d", now)


def test_names_do_nothing_to_the_terminal(folder):
    made(folder, "--name", "\x1b[31mred\n\x07")
    project(folder, "\x1b]0;title\x07")

    listed = run("list", "--data", folder).stdout
    refused = run("create", "--data", folder, "--project", "none", code=1).stderr

    assert not [char for char in listed + refused if not char.isprintable() and char != "\n"]
    assert "red" in listed
    assert "title" in refused


def test_what_programs_have_written_is_told_to_be_no_project(folder):
    with btql.connect(folder) as embedded:
        embedded.ingest("project_logs:demo", [{"id": "a"}])

    refused = run("create", "--data", folder, "--project", "demo", code=1).stderr

    assert "there is no project `demo` in the organization `default`: objects of that name were written by" in refused

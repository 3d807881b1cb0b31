"""``btql delete``, ``btql purge`` and ``btql retention``."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest


def ingest(btql, target: str, *rows: dict[str, object]) -> None:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert btql("ingest", "db", target, "rows.jsonl")[0] == 0


def ids(btql, target: str) -> list[str]:
    kind, name = target.split(":")
    code, out, err = btql("query", "db", f"select: id | from: {kind}('{name}') | sort: id", "-f", "jsonl")
    assert code == 0, err
    return [json.loads(line)["id"] for line in out.splitlines()]


def test_an_object_is_deleted_and_purged(btql):
    ingest(btql, "project_logs:demo", {"id": "a", "input": "Vera 7f3a9"})
    ingest(btql, "project_logs:other", {"id": "b"})
    btql("compact", "db")
    code, out, err = btql("delete", "db", "project_logs:demo")
    assert (code, out) == (2, "")
    assert "say so with --yes" in err
    assert btql("delete", "db", "project_logs:demo", "--yes")[0] == 0
    assert "no object `project_logs:demo`" in btql("delete", "db", "project_logs:demo", "--yes")[2]
    code, out, _ = btql("retention", "status", "db")
    assert code == 0
    assert "project_logs:demo\n    deleted as a whole on 20" in out
    assert "gone from every file by" in out

    code, out, _ = btql("purge", "db", "project_logs:demo", "--search", "Vera 7f3a9")
    assert code == 0
    assert "found       nothing" in out
    assert "parts/1  " in out
    assert "gone from every file since 20" in btql("retention", "status", "db")[1]
    assert ids(btql, "project_logs:other") == ["b"]


def test_a_purge_that_finds_something_fails(btql):
    ingest(btql, "project_logs:demo", {"id": "a", "input": "Vera 7f3a9"}, {"id": "b"})
    ingest(btql, "project_logs:demo", {"id": "a", "_object_delete": True})
    ingest(btql, "project_logs:other", {"id": "c", "input": "Vera 7f3a9"})
    code, out, err = btql("purge", "db", "project_logs:demo", "--search", "Vera 7f3a9", "--json")
    report = json.loads(out)

    assert (code, report["proved"]) == (1, False)
    assert "something of project_logs:demo is still there" in err
    assert any(one["path"].startswith("wal/") for one in report["proof"]["found"])
    code, out, _ = btql("purge", "db", "project_logs:demo", "--json")
    assert (code, json.loads(out)["proved"]) == (0, True)
    assert "there never was an object `dataset:x`" in btql("purge", "db", "dataset:x")[2]


def test_policies_are_set_shown_run_and_cleared(btql):
    old, new = ((datetime.now(UTC) - timedelta(days=days)).isoformat() for days in (40, 1))
    ingest(btql, "project_logs:demo", {"id": "a", "created": old}, {"id": "b", "created": new})
    btql("compact", "db")
    assert "there are no policies" in btql("retention", "show", "db")[2]
    code, _, err = btql("retention", "set", "db", "project_logs", "--age", "30d", "--bytes", "50GB")
    assert code == 0
    assert "keep traces of the last 30 days, at most 46.6 GiB of JSON" in err
    btql("retention", "set", "db", "dataset", "--history", "1w", "--rows", "1_000_000")
    assert btql("retention", "show", "db")[1].splitlines() == [
        "dataset        at most 1,000,000 rows, the past for 7 days",
        "project_logs   traces of the last 30 days, at most 46.6 GiB of JSON",
    ]
    assert json.loads(btql("retention", "show", "db", "--json")[1])["project_logs"]["age_s"] == 30 * 86_400

    assert "project_logs:demo: 1 row expired" in btql("retention", "run", "db")[2]
    assert "nothing has expired" in btql("retention", "run", "db", "project_logs:demo")[2]
    assert ids(btql, "project_logs:demo") == ["b"]
    assert "rows were deleted, the first on 20" in btql("retention", "status", "db")[1]
    (one,) = json.loads(btql("retention", "status", "db", "--json")[1])
    assert (one["object"], one["parts"]) == ("project_logs:demo", 1)

    assert btql("retention", "clear", "db", "project_logs")[0] == 0
    assert "there is no policy for project_logs" in btql("retention", "clear", "db", "project_logs")[2]


def test_what_holds_after_a_policy_is_cleared_is_told(btql):
    ingest(btql, "project_logs:demo", {"id": "a"})
    btql("retention", "set", "db", "project_logs", "--rows", "5")
    for policy in (["--age", "30d"], ["--rows", "7"]):
        btql("retention", "set", "db", "project_logs:demo", *policy)
        told = btql("retention", "clear", "db", "project_logs:demo")[2]
        assert "project_logs:demo: keep at most 5 rows, as the policy of project_logs says" in told
    assert "project_logs: keep everything" in btql("retention", "clear", "db", "project_logs")[2]


def test_what_waits_for_compaction_is_told_where_policies_are_run(btql):
    ingest(btql, "project_logs:demo", {"id": "a", "created": "2020-01-01T00:00:00Z"})
    ingest(btql, "project_logs:other", {"id": "a"}, {"id": "b"})
    assert "wait" not in btql("retention", "run", "db")[2]
    btql("retention", "set", "db", "project_logs", "--age", "30d")
    assert "traces of 3 events that wait for compaction stay for now" in btql("retention", "run", "db")[2]
    told = btql("retention", "run", "db", "project_logs:demo")[2]
    assert "nothing has expired" in told
    assert "traces of 1 event that wait for compaction" in told
    btql("compact", "db")
    told = btql("retention", "run", "db", "project_logs:demo")[2]
    assert "project_logs:demo: 1 row expired" in told
    assert "wait" not in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["project_logs"], "at least one of --age, --rows, --bytes and --history"),
        (["logs", "--age", "1d"], "`logs` is neither a kind nor an object"),
        (["project_logs:", "--age", "1d"], "`project_logs:` is neither"),
        (["project_logs", "--age", "soon"], "`soon` is no length of time: write 30d, 12h or 8w"),
        (["project_logs", "--age", "0d"], "`0d` is no length of time"),
        (["project_logs", "--bytes", "-5"], "`-5` is no size"),
        (["project_logs", "--rows", "many"], "`many` is no number over 0"),
    ],
)
def test_a_policy_that_is_none(btql, words: list[str], told: str):
    ingest(btql, "project_logs:demo", {"id": "a"})
    code, _, err = btql("retention", "set", "db", *words)

    assert code == 2
    assert told in err


def test_only_kinds_that_have_versions_have_a_history(btql):
    ingest(btql, "project_logs:demo", {"id": "a"})
    for scope in ("project_logs", "project_logs:demo"):
        code, _, err = btql("retention", "set", "db", scope, "--history", "3d")
        assert code == 2
        assert "project_logs has no versions: --history is for datasets, experiments, prompts and functions" in err
    for scope in ("dataset", "experiment:e", "project_prompts", "project_functions"):
        assert btql("retention", "set", "db", scope, "--history", "3d")[0] == 0


def test_rows_cannot_be_stored_at_the_address_of_a_server(btql):
    Path("rows.jsonl").write_text('{"id": "a"}\n')
    for command in ("ingest", "import"):
        code, _, err = btql(command, "http://127.0.0.1:9", "project_logs:demo", "rows.jsonl")
        assert code != 0
        assert "S0111" in err


def test_a_server_without_its_libraries_says_what_to_install(btql, monkeypatch):
    found = importlib.util.find_spec
    hidden = "prometheus_client"
    monkeypatch.setattr("btql.cli.serve.find_spec", lambda name: None if name == hidden else found(name))
    code, _, err = btql("serve", "--data", "db", "--insecure-no-auth")
    assert code != 0
    assert "S0113" in err
    assert "pip install 'btql[server]'" in err

"""Every request in the guide gets the answer that is printed below it, as far as that is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

import btql
from btql_server.running import running
from btql_server.settings import Settings

DOCS = Path(__file__).resolve().parents[3] / "docs"
EXAMPLE = re.compile(r"```http\n(\w+) (\S+)\n(.*?)```\n```json\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall((DOCS / "http-api.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def documented(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guide") / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:support", (DOCS / "examples" / "support.ndjson").read_bytes().splitlines())
    with (
        running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize(("method", "path", "body", "printed"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_answer_has_what_is_printed(documented, method, path, body, printed):
    answer = documented.request(method, path, content=body).json()

    assert _among(answer, json.loads(printed)) == json.loads(printed)


def _among(found, printed):
    """Return what an answer has of what is printed; objects may have more keys."""
    if isinstance(found, dict) and isinstance(printed, dict):
        return {key: _among(found[key], printed[key]) for key in printed if key in found}
    if isinstance(found, list) and isinstance(printed, list) and len(found) == len(printed):
        return [_among(one, other) for one, other in zip(found, printed, strict=True)]
    return found


def test_there_are_examples():
    assert len(EXAMPLES) >= 8

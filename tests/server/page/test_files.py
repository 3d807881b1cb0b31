"""The page's files as they are served: what a browser may keep, what it may load, what is in the wheel."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from btql_planner.functions import functions
from btql_server.page import page as served

STATIC = files("btql_server.page").joinpath("static")
TEXTS = {entry.name: entry.read_text() for entry in STATIC.iterdir()}


@pytest.fixture
def index(client):
    return client.get("/")


def test_the_page_is_asked_for_anew_and_its_files_are_kept(client, index):
    assert index.headers["cache-control"] == "no-cache"
    links = re.findall(r'(?:href|src)="(page/[^"]+)"', index.text)
    assert {link.rpartition("/")[2] for link in links} == set(TEXTS) - {"index.html"}
    for link in links:
        answer = client.get(f"/{link}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.text == TEXTS[link.rpartition("/")[2]]


@pytest.mark.parametrize("path", ["/", "/page/functions.json", "/page/{digest}/main.js"])
def test_what_the_browser_has_is_not_sent_again(client, path):
    path = path.replace("{digest}", served.site().digest)
    tag = client.get(path).headers["etag"]

    again = client.get(path, headers={"if-none-match": f'"other", {tag}'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_is_answered_without_a_body(client):
    answer = client.head("/")

    assert (answer.status_code, answer.content) == (200, b"")


def test_the_policy_allows_this_server_alone(index):
    policy = index.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert index.headers["x-frame-options"] == "DENY"
    assert index.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/page/0123456789abcdef/main.js",
        "/page/{digest}/nothing.js",
        "/page/{digest}/..%2Fpage.py",
        "/page/{digest}/index.html",
    ],
)
def test_what_is_not_there_is_404(client, path):
    assert client.get(path.replace("{digest}", served.site().digest)).status_code == 404


def test_nothing_is_inline_and_nothing_is_elsewhere():
    html = TEXTS["index.html"]

    assert re.findall(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", html) == []
    for name, text in TEXTS.items():
        addresses = set(re.findall(r"https?://[\w./-]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name
        assert "innerHTML" not in text, name
        assert not re.search(r"\beval\(|new Function", text), name


def test_files_are_laid_out_like_the_rest():
    long = {name for name, text in TEXTS.items() if len(text.splitlines()) > 600 and name.endswith(".js")}
    wide = {name for name, text in TEXTS.items() if max(map(len, text.splitlines())) > 120}

    assert (long, wide) == (set(), set())


def test_the_words_of_the_language_are_those_of_the_planner(client):
    language = client.get("/page/functions.json").json()

    assert [each["name"] for each in language["functions"]] == sorted(
        name for name, function in functions().items() if not function.hidden
    )
    by_name = {each["name"]: each for each in language["functions"]}
    assert by_name["round"] == {
        "name": "round",
        "signature": functions()["round"].signature,
        "summary": by_name["round"]["summary"],
        "aggregate": False,
    }
    assert by_name["sum"]["aggregate"]
    assert all(each["summary"] and "``" not in each["summary"] for each in language["functions"])
    assert "select" in language["clauses"]
    assert "project_logs" in language["object_kinds"]

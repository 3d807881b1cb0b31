"""Every query in the guides gives the answer that is printed below it; ``--update`` prints it anew."""

import json
import re
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest

import btql

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = ("language.md", "btql-and-sql.md", "dynamic-values.md")
LIKE_JSON = re.compile(r"-?\d|true$|false$|null$|[\[{]")
QUERY = re.compile(r"```(?P<language>btql|sql)\n(?P<query>.*?)```\n(?P<answer>\n```text\n.*?```\n)?", re.DOTALL)


@pytest.fixture(scope="module", params=["written", "compacted"])
def database(request, tmp_path_factory):
    """Return a database with the spans that the guides ask about."""
    folder = tmp_path_factory.mktemp("support") / "db"
    lines = (DOCS / "examples" / "support.ndjson").read_bytes().splitlines()
    with btql.connect(folder) as connection:
        connection.ingest("project_logs:support", lines)
        if request.param == "compacted":
            connection.compact()
        yield connection


def drawn(connection, query):
    """Return an answer as a table of JSON values, a mistake as its drawing."""
    try:
        result = connection.query(query)
    except btql.QueryError as error:
        return str(error).rstrip()
    rows = [[spelled(value) for value in row.values()] for row in result.rows()]
    lines = [result.columns, *rows]
    widths = [max(cells(line[i]) for line in lines) for i in range(len(result.columns))]
    return "\n".join(drawn_line(line, widths) for line in [lines[0], ["─" * width for width in widths], *rows])


def drawn_line(line, widths):
    return "   ".join(text + " " * (width - cells(text)) for text, width in zip(line, widths, strict=True)).rstrip()


def spelled(value):
    """Return a text without quotes, unless it could be taken for something else."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, str) and not LIKE_JSON.match(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def cells(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@pytest.mark.parametrize("guide", GUIDES)
def test_answers(database, guide, request):
    text = (DOCS / guide).read_text(encoding="utf-8")

    def answered(match):
        query = match["query"].rstrip()
        return f"```{match['language']}\n{query}\n```\n\n```text\n{drawn(database, query)}\n```\n"

    assert len(QUERY.findall(text)) > 5
    new = QUERY.sub(answered, text)
    if request.config.getoption("--update"):
        (DOCS / guide).write_text(new, encoding="utf-8")
    else:
        assert new == text

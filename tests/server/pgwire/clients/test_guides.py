"""The guides for tools that speak PostgreSQL's protocol: their commands, programs and queries, run against the server.

Grafana and Metabase themselves are not here; their queries are, with macros and variables filled in as they do it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import count
from pathlib import Path

import psycopg
import pytest
from guides.running import Python, Shell, run_guide
from server_support.pg import USER

FROM, TO = "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"
"""What is chosen at the top of the dashboard."""
VARIABLES = {"user": "ada", "since": "2026-01-01T00:00:00Z"}
SECONDS = {"h": 3_600, "d": 86_400, "m": 60}


@pytest.fixture
def run(door, tmp_path, monkeypatch, update):
    """A function that runs a guide, with more runners than those it has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", door.key)
    for name, value in door.environment().items():
        monkeypatch.setenv(name, value)
    places = {"127.0.0.1:5432": f"{door.host}:{door.port}"} | {
        f"{name}=5432": f"{name}={door.port}" for name in ("PGPORT", "port")
    }

    def run(name, **runners):
        run_guide(name, {"sh": Shell(tmp_path), "python": Python(), **runners}, replace=places, update=update)

    return run


def test_psql(run, door):
    def psql(text):
        done = subprocess.run(
            ["psql", "--quiet"],
            input=text,
            env=door.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    run("psql.md", psql=psql)


def test_psycopg(run):
    run("psycopg.md")


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_ibis(run):
    run("ibis.md")


def test_sqlalchemy_and_asyncpg(run):
    run("sqlalchemy-postgres.md")


@pytest.mark.skipif(
    shutil.which("javac") is None or not Path("/usr/share/java/postgresql.jar").exists(),
    reason="needs a JDK and libpostgresql-jdbc-java; `make test` installs them",
)
def test_jdbc(run, tmp_path):
    def java(text):
        (tmp_path / "Slowest.java").write_text(text, encoding="utf-8")
        return ""

    run("jdbc.md", java=java)


def test_grafana(run, door, conn):
    def grafana(text):
        return drawn(conn.execute(expanded(text)))

    def provisioned(text):
        settings = dict(re.findall(r"(\w+): (\S+)", text.replace("$KEY", door.key)))
        host, _, port = settings["url"].partition(":")
        assert settings["type"] == "postgres"
        with psycopg.connect(
            host=host,
            port=port,
            user=settings["user"],
            password=settings["password"],
            dbname=settings["database"],
            sslmode=settings["sslmode"],
        ) as found:
            assert found.info.server_version // 100 >= int(settings["postgresVersion"])
        return ""

    run("grafana.md", grafana=grafana, yaml=provisioned)


def expanded(text):
    """Return a query with the macros and variables that Grafana replaces."""
    text = text.replace("$__interval", "'1h'").replace("$plan", "'pro','free'")
    text = re.sub(r"\$__timeFilter\((.*?)\)", rf"\1 BETWEEN '{FROM}' AND '{TO}'", text)

    def grouped(match):
        size = int(match[3]) * SECONDS[match[4]]
        alias = ' AS "time"' if match[1] else ""
        return f"floor(extract(epoch from {match[2]})/{size})*{size}{alias}"

    text = re.sub(r"\$__timeGroup(Alias)?\(([^,]*),\s*'(\d+)(\w)'\)", grouped, text)
    assert "$" not in text, text
    return text


def test_metabase(run, conn):
    def metabase(text):
        with_all, values = filled(text)
        # Those in square brackets may be left out.
        without, none = filled(re.sub(r"\[\[.*?\]\]", "", text))
        cursor = psycopg.RawCursor(conn)
        assert cursor.execute(without.encode(), none).fetchall()
        return drawn(cursor.execute(with_all.encode(), values))

    run("metabase.md", metabase=metabase)


def filled(text):
    """Return a query with `$1` in the place of variables, and their values."""
    numbers, values = count(1), []

    def numbered(match):
        values.append(VARIABLES[match[1]])
        return f"${next(numbers)}"

    return re.sub(r"\{\{(\w+)\}\}", numbered, re.sub(r"\[\[(.*?)\]\]", r"\1", text)), values


def drawn(cursor):
    """Return the rows as lines."""
    names = [column.name for column in cursor.description]
    rows = [["" if value is None else str(value) for value in row] for row in cursor]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [names, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def test_the_user_of_the_guides_is_the_one_of_the_tests():
    assert USER == "ann@example.com"

"""A plain ``query`` is read without Typer: what is read so means the same to Typer, and everything else goes there."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer.main

from btql.cli.app import app
from btql.cli.formats import Format
from btql.cli.plain import question

PLAIN = [
    ["db", "text"],
    ["db", "-"],
    ["./some db", "select: 1"],
    ["db", "text", "-f", "json"],
    ["db", "text", "--format", "csv", "--output", "x.csv"],
    ["-o", "x", "db", "-f", "arrow", "text"],
    ["db", "text", "-o", "-"],
]
NOT_PLAIN = [
    [],
    ["db"],
    ["db", "text", "more"],
    ["", "text"],
    ["db", ""],
    ["db", "text", "--help"],
    ["-h"],
    ["db", "text", "-f"],
    ["db", "text", "-f", "xml"],
    ["db", "text", "-f", "JSON"],
    ["db", "text", "-fjson"],
    ["db", "text", "--format=json"],
    ["db", "text", "-f", "json", "--format", "csv"],
    ["db", "text", "-o", "-x"],
    ["db", "text", "-o", ""],
    ["db", "--", "-text"],
    ["db", "text", "--formats", "json"],
]


def _read_by_typer(arguments: list[str]) -> tuple[object, ...]:
    command = typer.main.get_command(app).commands["query"]  # type: ignore[attr-defined]
    values = command.make_context("query", list(arguments)).params
    defaults = {parameter.name: parameter.default for parameter in command.params}
    assert all(values[name] == defaults[name] for name in values.keys() - {"database", "text", "form", "path"})
    form, path = values["form"], values["path"]
    return (
        values["database"],
        values["text"],
        None if form is None else Format(form),
        None if path is None else Path(path),
    )


@pytest.mark.parametrize("arguments", PLAIN)
def test_typer_reads_the_same(arguments):
    assert question(["query", *arguments]) == _read_by_typer(arguments)


@pytest.mark.parametrize("arguments", NOT_PLAIN)
def test_the_rest_is_left_to_typer(arguments):
    assert question(["query", *arguments]) is None


def test_other_commands_are_left_to_typer():
    assert question(["explain", "db", "text"]) is None
    assert question([]) is None

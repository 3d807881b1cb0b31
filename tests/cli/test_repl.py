"""Where statements end, and how piped lines become statements."""

import pytest

from btql.cli.repl import ends, statements


@pytest.mark.parametrize(
    "text",
    ["select 1;", "select 1 ;  ", "select 1; -- why", "select: a\n", "select: a\n\n", "\\d", "  \\help lower", ""],
)
def test_complete(text):
    assert ends(text)


@pytest.mark.parametrize("text", ["select 1", "select ';", "select 'a;\nb", "select 1 -- ;", "select: a\n| limit: 1"])
def test_not_complete(text):
    assert not ends(text)


def test_piped_lines():
    lines = ["select: a\n", "| limit: 1\n", "\n", "\n", "select 1;\n", "\\d\n", "select\n", "2"]

    assert list(statements(lines)) == ["select: a\n| limit: 1", "select 1;", "\\d", "select\n2"]

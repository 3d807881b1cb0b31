"""What stands behind ``%btql``: options first, then perhaps a name and ``<<``, then a query or where to connect.

The rest of the line is taken as it is, quotes and braces included, as it is text of a query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from btql.errors import InterfaceError

USAGE = """%btql PATH or URL         connect: to a folder, or to a server as http://KEY@host:8000
%btql QUERY               run a query in BTQL or SQL; :name takes the value of a variable of the notebook
%btql name << QUERY       keep the answer in a variable as well
%%btql                    the same, for all lines of a cell
%btql                     show the connection and its tables

-c, --connect PLACE       connect to a folder or a server, or use a variable that is a btql connection
-o, --out NAME            keep the answer in a variable, and show nothing
-l, --limit ROWS          read no more than so many rows of a query without a limit
-t, --timeout SECONDS     stop a query that takes longer
--pandas --polars --arrow give a data frame of that library, or an Arrow table"""

_OPTION = re.compile(r"""\s*--?(?P<name>[a-z]+)(?:(?:=|\s+)(?P<value>"[^"]*"|'[^']*'|\S+))?""")
_NAMED = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*<<\s?")
_LETTERS = {"c": "connect", "o": "out", "l": "limit", "t": "timeout", "h": "help"}
_FORMS = ("pandas", "polars", "arrow")


@dataclass(slots=True)
class Options:
    """What a line asks for."""

    rest: str = ""
    """The query, or where to connect."""
    connect: str | None = None
    name: str | None = None
    """The variable that keeps the answer."""
    silent: bool = False
    limit: int | None = None
    timeout: float | None = None
    form: str | None = None
    """``pandas``, ``polars`` or ``arrow``."""
    help: bool = False


def read_options(line: str) -> Options:
    """Return what a line says."""
    found = Options()
    # What begins with two dashes and a space is a comment, which the query may begin with.
    while (option := _OPTION.match(line)) is not None:
        name = _LETTERS.get(option["name"], option["name"])
        if name in _FORMS:
            found.form, end = name, option.end("name")
        elif name == "help":
            found.help, end = True, option.end("name")
        else:
            _set(found, name, option["value"])
            end = option.end()
        line = line[end:]
    named = _NAMED.match(line)
    if named is not None:
        found.name, line = named["name"], line[named.end() :]
    found.rest = line.strip()
    return found


def _set(options: Options, name: str, value: str | None) -> None:
    if name not in ("connect", "out", "limit", "timeout"):
        raise InterfaceError(f"there is no option `{name}`\n\n{USAGE}")
    if value is None:
        raise InterfaceError(f"`--{name}` takes a value\n\n{USAGE}")
    text = value[1:-1] if value[0] in "'\"" else value
    try:
        match name:
            case "connect":
                options.connect = text
            case "out":
                options.name, options.silent = text, True
            case "limit":
                options.limit = int(text)
            case _:
                options.timeout = float(text)
    except ValueError:
        raise InterfaceError(f"`--{name}` takes a number, not `{text}`") from None
    if options.name is not None and not options.name.isidentifier():
        raise InterfaceError(f"`{options.name}` is not the name of a variable")

"""Options of COPY, checked: which characters stand between values, around them, and for null.

They mean what they mean in Postgres, and a wrong one gets its error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from btql_server.pgwire.bad_value import BAD_OPTION, NOT_SUPPORTED, BadValue

CopyFormat = Literal["text", "csv", "binary"]
_SYNTAX = "42601"
_CHARACTERS = ("delimiter", "quote", "escape")
_CSV_ONLY = ("quote", "escape", "force_quote", "force_null", "force_not_null")
_NOT_A_DELIMITER = "\\.abcdefghijklmnopqrstuvwxyz0123456789"
_UTF8 = ("utf8", "utf-8", "unicode", "sql_ascii")


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """How values are written in text and in CSV."""

    delimiter: str = "\t"
    null: str = "\\N"
    header: bool = False
    match: bool = False
    """Whether the header that comes in has to name the columns."""
    quote: str = '"'
    escape: str = '"'
    force_quote: frozenset[str] | Literal["*"] = frozenset()
    """Columns that are quoted even where they need not be."""
    force_null: frozenset[str] = frozenset()
    """Columns in which a quoted null text is null, too."""
    force_not_null: frozenset[str] = frozenset()
    """Columns in which an unquoted null text is a text."""


def copy_options(form: CopyFormat, given: Mapping[str, object]) -> CopyOptions:
    """Return the options of a COPY; names are in lower case, lists of columns are lists or ``"*"``."""
    for name in given:
        if name not in (*CopyOptions.__slots__, "encoding", "freeze", "format"):
            raise BadValue(_SYNTAX, f'option "{name}" not recognized', f"known are {', '.join(sorted(_KNOWN))}")
    if form == "binary":
        for name in ("delimiter", "null", "header"):
            if given.get(name):
                raise BadValue(_SYNTAX, f"cannot specify {name.upper()} in BINARY mode")
    for name in _CSV_ONLY:
        if form != "csv" and given.get(name):
            raise BadValue(NOT_SUPPORTED, f"COPY {name.upper()} is available only in CSV mode", "write FORMAT csv")
    encoding = str(given.get("encoding", "utf8")).lower()
    if encoding not in _UTF8:
        raise BadValue(BAD_OPTION, f'encoding "{encoding}" is not supported', "write and read UTF8")
    options = CopyOptions(
        delimiter=str(given.get("delimiter", "," if form == "csv" else "\t")),
        null=str(given.get("null", "" if form == "csv" else "\\N")),
        header=_header(given.get("header", False)),
        match=str(given.get("header", "")).lower() == "match",
        quote=str(given.get("quote", '"')),
        escape=str(given.get("escape", given.get("quote", '"'))),
        force_quote="*" if given.get("force_quote") == "*" else _columns(given, "force_quote"),
        force_null=_columns(given, "force_null"),
        force_not_null=_columns(given, "force_not_null"),
    )
    _check(form, options)
    return options


_KNOWN = (*(each for each in CopyOptions.__slots__ if each != "match"), "encoding", "format", "freeze")


def _columns(given: Mapping[str, object], name: str) -> frozenset[str]:
    value = given.get(name) or ()
    if not isinstance(value, list | tuple | set | frozenset):
        raise BadValue(BAD_OPTION, f'argument to option "{name}" must be a list of column names')
    return frozenset(map(str, value))


def _header(value: object) -> bool:
    text = str(value).lower()
    if text in ("true", "on", "1", "match", ""):
        return True
    if text in ("false", "off", "0"):
        return False
    raise BadValue(_SYNTAX, 'header requires a Boolean value or "match"')


def _check(form: CopyFormat, options: CopyOptions) -> None:
    if form == "binary":
        return
    for name in _CHARACTERS:
        value: str = getattr(options, name)
        if name != "delimiter" and form != "csv":
            continue
        if len(value.encode()) != 1:
            raise BadValue(NOT_SUPPORTED, f"COPY {name} must be a single one-byte character")
    if options.delimiter in "\r\n":
        raise BadValue(BAD_OPTION, "COPY delimiter cannot be newline or carriage return")
    if any(char in options.null for char in "\r\n"):
        raise BadValue(BAD_OPTION, "COPY null representation cannot use newline or carriage return")
    if form == "text" and options.delimiter in _NOT_A_DELIMITER:
        raise BadValue(BAD_OPTION, f'COPY delimiter cannot be "{options.delimiter}"')
    if options.delimiter in options.null:
        raise BadValue(BAD_OPTION, "COPY delimiter must not appear in the NULL specification")
    if form == "csv" and options.delimiter == options.quote:
        raise BadValue(BAD_OPTION, "COPY delimiter and quote must be different")
    if form == "csv" and options.quote in options.null:
        raise BadValue(BAD_OPTION, "CSV quote character must not appear in the NULL specification")

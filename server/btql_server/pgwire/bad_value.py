"""The error for a value that came over the wire, or should go over it, and cannot be read or written; texts first."""

from __future__ import annotations

from btql.errors import Error

INVALID_TEXT = "22P02"
INVALID_BINARY = "22P03"
OUT_OF_RANGE = "22003"
BAD_TIME = "22007"
TIME_OUT_OF_RANGE = "22008"
NOT_UTF8 = "22021"
NOT_SUPPORTED = "0A000"
BAD_COPY = "22P04"
TOO_LARGE = "54000"
BAD_OPTION = "22023"


class BadValue(Error):  # noqa: N818 - read in `except` clauses, like the names of btql.errors
    """A value that cannot be converted; ``str()`` says which, and where it stands."""

    def __init__(self, sqlstate: str, message: str, hint: str | None = None, context: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.context = context
        """Where it stands, such as the line and the column of a COPY."""


def utf8(data: bytes) -> str:
    """Return the text that bytes are."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        shown = " ".join(f"0x{byte:02x}" for byte in data[error.start : error.end])
        raise BadValue(NOT_UTF8, f'invalid byte sequence for encoding "UTF8": {shown}') from None
    if "\0" in text:
        raise BadValue(NOT_UTF8, 'invalid byte sequence for encoding "UTF8": 0x00')
    return text

"""What the catalog does not answer, with the SQLSTATE that Postgres has for it."""

from __future__ import annotations

from btql.errors import Error


class Refused(Error):  # noqa: N818  it is read in `except` clauses
    """A statement about the catalog that is not answered."""

    def __init__(self, sqlstate: str, message: str, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.position = position
        """Offset of the place in the text, from 0."""

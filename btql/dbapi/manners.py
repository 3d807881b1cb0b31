"""What PEP 249 wants of a connection, beside what runs statements.

There are no transactions over several statements: each statement that writes is one, durable when it returns. So
:meth:`Manners.commit` has nothing to do. :meth:`Manners.rollback` has nothing to do either, unless something was
written since the last commit; then it is an error, as what was written stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from btql import errors

if TYPE_CHECKING:
    from btql.connection import Connection
    from btql.dbapi.cursor import Cursor
    from btql_grammar.parameters import Values


class Manners:
    """Cursors, commit and rollback, and the classes of errors."""

    Warning: ClassVar = errors.Warning
    Error: ClassVar = errors.Error
    InterfaceError: ClassVar = errors.InterfaceError
    DatabaseError: ClassVar = errors.DatabaseError
    DataError: ClassVar = errors.DataError
    OperationalError: ClassVar = errors.OperationalError
    IntegrityError: ClassVar = errors.IntegrityError
    InternalError: ClassVar = errors.InternalError
    ProgrammingError: ClassVar = errors.ProgrammingError
    NotSupportedError: ClassVar = errors.NotSupportedError

    timeout: float | None = None
    """How many seconds a query may take, or a statement of a new cursor; None is as long as the database lets it."""
    closed: bool = False
    has_written: bool = False
    """Whether a cursor has written something since the last commit."""

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        from btql.dbapi.cursor import Cursor

        self.check_open()
        return Cursor(cast("Connection", self))

    def execute(self, operation: str | Mapping[str, object], parameters: Values | None = None) -> Cursor:
        """Run a statement on a new cursor, and return that."""
        return self.cursor().execute(operation, parameters)

    def commit(self) -> None:
        """Do nothing: what was written is durable."""
        self.check_open()
        self.has_written = False

    def rollback(self) -> None:
        """Do nothing where nothing was written since the last commit; what was written cannot be taken back."""
        self.check_open()
        if self.has_written:
            self.has_written = False
            raise errors.NotSupportedError(
                "what was written stays: each statement is a transaction of its own, durable when it returns; "
                "undo it by another statement",
                sqlstate="0A000",
            )

    @property
    def autocommit(self) -> bool:
        """Whether each statement is a transaction of its own: always."""
        return True

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        if not value:
            raise errors.NotSupportedError(
                "there are no transactions over several statements: leave autocommit as it is, True", sqlstate="0A000"
            )

    def check_open(self) -> None:
        """Raise where the connection was closed."""
        if self.closed:
            raise errors.InterfaceError("the connection is closed: open another with btql.connect()", sqlstate="08003")

"""What a session keeps from one message to the next: prepared statements, and portals with the rest of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_server.pgwire.encoder import RowEncoder
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.messages import row_description

if TYPE_CHECKING:
    from btql_server.pgwire.answers import Opened
    from btql_server.pgwire.statements import Statement
    from btql_server.pgwire.types import PgType

STATEMENTS_MAX = 10_000
STATEMENT_BYTES_MAX = 64 << 20
PORTALS_MAX = 1_000
VALUE_BYTES_MAX = 128 << 20
"""What portals keep of values for parameters, as they came; the largest Bind finds room beside others."""


@dataclass(slots=True)
class Columns:
    """The columns that a client was told of before the statement ran."""

    names: Sequence[str]
    types: Sequence[PgType]


@dataclass(slots=True)
class Prepared:
    """A prepared statement; None as its statement is the empty query."""

    statement: Statement | None
    given: tuple[int, ...] = ()
    """The types that the client has given to parameters; 0 leaves that to the server."""
    parameters: tuple[int, ...] | None = None
    """The types of all parameters, once somebody has asked."""
    columns: Columns | None = None
    """What the client was told of its rows, which holds from then on."""
    is_described: bool = False


@dataclass(slots=True)
class Portal:
    """A statement with values for its parameters, and its answer once it has begun."""

    name: str
    prepared: Prepared
    values: Sequence[object] = ()
    formats: tuple[int, ...] = ()
    """One for all columns, or one for each; none is text."""
    value_bytes: int = 0
    """How large the values were as they came."""
    opened: Opened | None = None
    skipped: int = 0
    """How many rows are left out before the first one that it gives."""
    rows: int | None = None
    """How many rows it may give at most; None is all of them."""
    is_cursor: bool = False
    """Whether DECLARE has made it, and so CLOSE and the end of the transaction end it."""
    hold: bool = False
    """Whether it outlives the transaction."""
    done: bool = False
    encode: RowEncoder | None = None

    def column_formats(self, count: int) -> list[int]:
        """Return the format of each column."""
        if len(self.formats) > 1 and len(self.formats) != count:
            message = f"bind message has {len(self.formats)} result formats but query has {count} columns"
            raise Failure("08P01", message)
        return [*self.formats] if len(self.formats) > 1 else [self.formats[0] if self.formats else 0] * count

    def description(self) -> bytes:
        """Return the description of its columns."""
        opened = self.opened
        assert opened is not None
        columns = self.prepared.columns or Columns(opened.names, opened.types)
        return row_description(columns.names, columns.types, self.column_formats(len(columns.names)))

    def encoder(self) -> RowEncoder:
        """Return what makes messages of its rows, of the types that were promised."""
        opened = self.opened
        assert opened is not None
        if self.encode is None:
            promised = self.prepared.columns
            types = opened.types if promised is None else promised.types
            if len(types) != len(opened.types):
                raise Failure("0A000", "cached plan must not change result type", "prepare the statement again")
            self.encode = RowEncoder(opened.schema, types, self.column_formats(len(types)))
        return self.encode


class Kept:
    """The prepared statements and portals of one session."""

    def __init__(self) -> None:
        self.statements: dict[str, Prepared] = {}
        self.portals: dict[str, Portal] = {}
        self._bytes = 0

    def add(self, name: str, prepared: Prepared) -> None:
        """Keep a prepared statement; the one without a name is replaced."""
        if name and name in self.statements:
            raise Failure("42P05", f'prepared statement "{name[:80]}" already exists')
        if not name:
            self.drop("")
        size = _size(prepared)
        if len(self.statements) >= STATEMENTS_MAX or self._bytes + size > STATEMENT_BYTES_MAX:
            message = (
                f"a session keeps at most {STATEMENTS_MAX:,} prepared statements, and {STATEMENT_BYTES_MAX >> 20} MiB"
            )
            raise Failure("53400", message, "close those that are not needed, by DEALLOCATE")
        self._bytes += size
        self.statements[name] = prepared

    def statement(self, name: str) -> Prepared:
        """Return a prepared statement."""
        found = self.statements.get(name)
        if found is None:
            called = f'prepared statement "{name[:80]}"' if name else "unnamed prepared statement"
            raise Failure("26000", f"{called} does not exist")
        return found

    def drop(self, name: str) -> bool:
        """Forget a prepared statement; return whether there was one."""
        found = self.statements.pop(name, None)
        if found is not None:
            self._bytes -= _size(found)
        return found is not None

    def drop_all(self) -> None:
        """Forget all prepared statements."""
        self.statements.clear()
        self._bytes = 0

    def add_portal(self, portal: Portal) -> None:
        """Keep a portal."""
        if portal.name and portal.name in self.portals:
            raise Failure("42P03", f'cursor "{portal.name[:80]}" already exists')
        if len(self.portals) >= PORTALS_MAX:
            raise Failure(
                "53400", f"a session keeps at most {PORTALS_MAX:,} portals", "close those that are not needed"
            )
        kept = sum(each.value_bytes for each in self.portals.values())
        if portal.value_bytes and kept + portal.value_bytes > VALUE_BYTES_MAX:
            raise Failure(
                "53400",
                f"the portals of a session keep at most {VALUE_BYTES_MAX >> 20} MiB of values for parameters",
                "close those that are not needed",
            )
        self.portals[portal.name] = portal

    def portal(self, name: str) -> Portal:
        """Return a portal."""
        found = self.portals.get(name)
        if found is None:
            raise Failure("34000", f'portal "{name[:80]}" does not exist')
        return found

    def cursor(self, name: str) -> Portal:
        """Return a portal, as FETCH and CLOSE call it."""
        found = self.portals.get(name)
        if found is None:
            raise Failure("34000", f'cursor "{name[:80]}" does not exist')
        return found


def _size(prepared: Prepared) -> int:
    return 200 + 4 * len(prepared.given) + (0 if prepared.statement is None else len(prepared.statement.text))

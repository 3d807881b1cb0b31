"""The messages of Flight SQL: commands, actions, tickets and their results.

Fields stand in the order of their numbers, from 1 (:mod:`btql_server.flight.protobuf`). On the wire a command is
wrapped into an ``Any``, which says its type by a URL. The few messages of Flight itself that stand inside others are
here, too.
"""

# Annotations are read when a message is decoded, so what they name is imported, and they are no texts.

from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class CommandStatementQuery:
    """A statement that gives rows."""

    query: str = ""
    transaction_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class CommandStatementUpdate:
    """A statement that writes."""

    query: str = ""
    transaction_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class CommandPreparedStatementQuery:
    """The rows of a statement that was prepared; as the descriptor of an upload, values for its parameters."""

    prepared_statement_handle: bytes = b""


@dataclass(frozen=True, slots=True)
class CommandPreparedStatementUpdate:
    """A prepared statement that writes, with values for its parameters, once for each row of them."""

    prepared_statement_handle: bytes = b""


@dataclass(frozen=True, slots=True)
class TableDefinitionOptions:
    """What an upload does where its table is missing, and where it is there."""

    if_not_exist: int = 0
    """1 creates it, 2 fails."""
    if_exists: int = 0
    """1 fails, 2 appends, 3 replaces."""


@dataclass(frozen=True, slots=True)
class CommandStatementIngest:
    """Rows to be stored in a table."""

    table_definition_options: TableDefinitionOptions = TableDefinitionOptions()
    table: str = ""
    schema: str | None = None
    catalog: str | None = None
    temporary: bool = False
    transaction_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class CommandGetCatalogs:
    """The catalogs."""


@dataclass(frozen=True, slots=True)
class CommandGetDbSchemas:
    """The schemas of a catalog."""

    catalog: str | None = None
    db_schema_filter_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class CommandGetTables:
    """The tables."""

    catalog: str | None = None
    db_schema_filter_pattern: str | None = None
    table_name_filter_pattern: str | None = None
    table_types: tuple[str, ...] = ()
    include_schema: bool = False


@dataclass(frozen=True, slots=True)
class CommandGetTableTypes:
    """The types that a table may have."""


@dataclass(frozen=True, slots=True)
class CommandGetPrimaryKeys:
    """The columns of a primary key."""

    catalog: str | None = None
    db_schema: str | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class CommandGetExportedKeys:
    """The foreign keys that refer to a table."""

    catalog: str | None = None
    db_schema: str | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class CommandGetImportedKeys:
    """The foreign keys of a table."""

    catalog: str | None = None
    db_schema: str | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class CommandGetCrossReference:
    """The foreign keys of one table that refer to another one."""

    pk_catalog: str | None = None
    pk_db_schema: str | None = None
    pk_table: str = ""
    fk_catalog: str | None = None
    fk_db_schema: str | None = None
    fk_table: str = ""


@dataclass(frozen=True, slots=True)
class CommandGetSqlInfo:
    """What the server can do."""

    info: tuple[int, ...] = ()
    """The numbers that are asked for; none is all of them."""


@dataclass(frozen=True, slots=True)
class CommandGetXdbcTypeInfo:
    """The types that values may have."""

    data_type: int | None = None


@dataclass(frozen=True, slots=True)
class TicketStatementQuery:
    """Asks for the rows of a statement."""

    statement_handle: bytes = b""


@dataclass(frozen=True, slots=True)
class ActionCreatePreparedStatementRequest:
    """A statement to prepare."""

    query: str = ""
    transaction_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class ActionCreatePreparedStatementResult:
    """A prepared statement."""

    prepared_statement_handle: bytes = b""
    dataset_schema: bytes = b""
    """Of its rows, in Arrow's encoding; empty where it writes."""
    parameter_schema: bytes = b""


@dataclass(frozen=True, slots=True)
class ActionClosePreparedStatementRequest:
    """A prepared statement that is not used any more."""

    prepared_statement_handle: bytes = b""


@dataclass(frozen=True, slots=True)
class ActionCancelQueryRequest:
    """A query to cancel, as older clients ask for it."""

    info: bytes = b""
    """The flight info of the query, encoded."""


@dataclass(frozen=True, slots=True)
class DoPutUpdateResult:
    """How many rows were written."""

    record_count: int = 0


@dataclass(frozen=True, slots=True)
class DoPutPreparedStatementResult:
    """Values were taken."""

    prepared_statement_handle: bytes | None = None


@dataclass(frozen=True, slots=True)
class FlightTicket:
    """A ticket, as it stands in an endpoint."""

    ticket: bytes = b""


@dataclass(frozen=True, slots=True)
class FlightEndpointMessage:
    """An endpoint, as it stands in a flight info."""

    ticket: FlightTicket = FlightTicket()


@dataclass(frozen=True, slots=True)
class FlightInfoMessage:
    """A flight info that a client sends back."""

    schema: bytes = b""
    flight_descriptor: bytes = b""
    endpoint: tuple[FlightEndpointMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelFlightInfoRequest:
    """A query to cancel."""

    info: FlightInfoMessage = FlightInfoMessage()


@dataclass(frozen=True, slots=True)
class StatusResult:
    """What came of cancelling a query, or of closing a session."""

    status: int = 0
    """1 is cancelled, or closed; 2 is under way, 3 cannot be."""


Command = (
    CommandStatementQuery
    | CommandStatementUpdate
    | CommandPreparedStatementQuery
    | CommandPreparedStatementUpdate
    | CommandStatementIngest
    | CommandGetCatalogs
    | CommandGetDbSchemas
    | CommandGetTables
    | CommandGetTableTypes
    | CommandGetPrimaryKeys
    | CommandGetExportedKeys
    | CommandGetImportedKeys
    | CommandGetCrossReference
    | CommandGetSqlInfo
    | CommandGetXdbcTypeInfo
    | TicketStatementQuery
)
"""What a descriptor or a ticket may hold."""
Wrapped = TypeVar(
    "Wrapped",
    ActionCreatePreparedStatementRequest,
    ActionClosePreparedStatementRequest,
    ActionCancelQueryRequest,
)
"""What the body of an action may hold."""

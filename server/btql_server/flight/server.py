"""The calls of Flight: each is read, handed to whoever knows its command, and answered.

Besides the commands of Flight SQL, plain Flight is understood, so that a few lines with ``pyarrow.flight`` will do: a
descriptor whose command is the text of a statement, a descriptor whose path is schema and name of a table, and a
ticket that is the text of a statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import flight

from btql.tables import tables
from btql_server.flight import envelopes, messages, metadata, parameters
from btql_server.flight.actions import ACTIONS, Actions
from btql_server.flight.callers import MIDDLEWARE, Calls, FlightCall, Handshake
from btql_server.flight.commands import command_of, refuse_transaction, selecting, table_of, wrapped_or_text
from btql_server.flight.ingesting import Ingest, IngestSpec, spec_of
from btql_server.flight.prepared import PreparedStatements
from btql_server.flight.protobuf import decode, encode
from btql_server.flight.refusals import FlightRefusal, without_tracebacks
from btql_server.flight.statements import Statements
from btql_server.flight.tickets import Handle
from btql_server.http.errors import HttpError
from btql_server.reading.directory import Visible
from btql_server.registry.changes import Change

if TYPE_CHECKING:
    from btql_server.operating.flight_metrics import FlightMetrics
    from btql_server.state import State


class FlightServer(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow has no types for it
    """Serves one port as soon as it is made."""

    def __init__(
        self,
        state: State,
        loop: asyncio.AbstractEventLoop,
        metrics: FlightMetrics,
        location: str,
        certificates: list[tuple[bytes, bytes]] | None,
    ) -> None:
        without_tracebacks()
        self.calls = Calls(state, metrics)
        self.statements = Statements(state, loop)
        self.prepared = PreparedStatements()
        self.actions = Actions(self.statements, self.prepared)
        super().__init__(
            location,
            auth_handler=Handshake(),
            tls_certificates=certificates,
            middleware={MIDDLEWARE: self.calls},
        )

    def list_flights(self, context: flight.ServerCallContext, criteria: bytes) -> Iterator[flight.FlightInfo]:
        """Return each table that may be read, as a path."""
        with self._call(context) as call:
            call.count()
            if criteria:
                raise FlightRefusal("UNIMPLEMENTED", "criteria have no meaning here", "list all flights")
            found = self.statements.on("small", lambda: tables(Visible(call.asker)))
            infos: list[flight.FlightInfo] = []
            for each in found:
                descriptor = flight.FlightDescriptor.for_path(each.schema, each.name)
                ticket = flight.Ticket(selecting(each.schema, each.name).encode())
                infos.append(_info(each.arrow_schema, descriptor, ticket))
            return iter(infos)

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Return the schema of a command's rows, and a ticket for them."""
        with self._call(context) as call:
            call.count()
            command = command_of(call, descriptor)
            listed = None if isinstance(command, str) else metadata.schema_of(command)
            if listed is not None:
                return _info(listed, descriptor, flight.Ticket(descriptor.command))
            query, values = self._statement(call, command)
            schema, handle = self.statements.ticket(call, query, values)
            ticket = flight.Ticket(envelopes.wrap(messages.TicketStatementQuery(encode(handle))))
            return _info(schema, descriptor, ticket, handle.count if handle.is_write else -1)

    def get_schema(self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor) -> flight.SchemaResult:
        """Return the schema of a command's rows; nothing is run."""
        with self._call(context) as call:
            call.count()
            command = command_of(call, descriptor)
            schema = None if isinstance(command, str) else metadata.schema_of(command)
            if schema is None:
                schema = self.statements.schema(call, self._statement(call, command)[0])
            return flight.SchemaResult(schema)

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.FlightDataStream:
        """Return the rows of a ticket."""
        with self._call(context) as call:
            command = wrapped_or_text(call, ticket.ticket)
            if not isinstance(command, str) and metadata.schema_of(command) is not None:
                found = self.statements.on("small", metadata.listed, command, call.asker)
                call.rows, call.bytes = found.num_rows, found.nbytes
                return flight.RecordBatchStream(found)
            if isinstance(command, messages.TicketStatementQuery):
                handle = decode(Handle, command.statement_handle)
            else:
                query, values = self._statement(call, command)
                handle = Handle(query=query, parameters=parameters.as_stream(values) or b"")
            rows = self.statements.rows(call, handle)
            stream = self.statements.stream(call, rows, handle.id)
            return flight.GeneratorStream(stream.schema, stream)

    def do_put(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        """Take rows, or values for parameters, or run a statement that writes."""
        with self._call(context) as call:
            call.count()
            try:
                answer = self._put(call, descriptor, reader)
            except HttpError as error:
                if error.status == 403:
                    call.asker.changes[:] = [Change("refused", "", call.command, detail=error.message)]
                    self.statements.record(call)
                raise
            writer.write(pa.py_buffer(answer))

    def _put(
        self, call: FlightCall, descriptor: flight.FlightDescriptor, reader: flight.MetadataRecordBatchReader
    ) -> bytes:
        if descriptor.descriptor_type == flight.DescriptorType.PATH:
            spec = IngestSpec(*table_of(call, descriptor), create=True)
            return self._ingested(call, spec, reader)
        command = command_of(call, descriptor)
        match command:
            case messages.CommandStatementIngest():
                return self._ingested(call, spec_of(command), reader)
            case messages.CommandStatementUpdate():
                refuse_transaction(command.transaction_id)
                count = self.statements.write(call, command.query, None)
            case str():
                count = self.statements.write(call, command, None)
            case messages.CommandPreparedStatementUpdate():
                one = self.prepared.get(command.prepared_statement_handle, call.owner)
                values = parameters.read(reader.schema, _batches(reader))
                # A statement without parameters is sent with no columns, or with nothing at all.
                count = self.statements.write(call, one.query, values if values.num_columns else one.values)
            case messages.CommandPreparedStatementQuery():
                handle = command.prepared_statement_handle
                self.prepared.get(handle, call.owner)
                self.prepared.bind(handle, call.owner, parameters.read(reader.schema, _batches(reader)))
                return encode(messages.DoPutPreparedStatementResult(handle))
            case _:
                message = f"{type(command).__name__} takes no upload"
                raise FlightRefusal("INVALID_ARGUMENT", message, "ask for its flight info")
        return encode(messages.DoPutUpdateResult(count))

    def _ingested(self, call: FlightCall, spec: IngestSpec, reader: flight.MetadataRecordBatchReader) -> bytes:
        ingest = Ingest(self.statements, call, spec)
        try:
            count = ingest.store(reader.schema, _batches(reader))
        finally:
            self.statements.record(call)
        return encode(messages.DoPutUpdateResult(count))

    def do_exchange(
        self,
        context: flight.ServerCallContext,
        descriptor: flight.FlightDescriptor,  # noqa: ARG002  as pyarrow calls it
        reader: flight.MetadataRecordBatchReader,  # noqa: ARG002
        writer: flight.MetadataRecordBatchWriter,  # noqa: ARG002
    ) -> None:
        """Refuse: Flight SQL has no use for it."""
        with self._call(context):
            raise FlightRefusal("UNIMPLEMENTED", "nothing is exchanged here", "use DoGet to read, DoPut to write")

    def list_actions(self, context: flight.ServerCallContext) -> list[tuple[str, str]]:
        """Return the actions."""
        with self._call(context):
            return list(ACTIONS.items())

    def do_action(self, context: flight.ServerCallContext, action: flight.Action) -> Iterator[bytes]:
        """Do something that is no transfer of rows."""
        with self._call(context) as call:
            return self.actions.do(call, action.type, action.body.to_pybytes())

    def _statement(self, call: FlightCall, command: messages.Command | str) -> tuple[str, pa.Table | None]:
        """Return the text of a command that gives rows, and the values for its parameters."""
        match command:
            case str():
                return command, None
            case messages.CommandStatementQuery() | messages.CommandStatementUpdate():
                refuse_transaction(command.transaction_id)
                return command.query, None
            case messages.CommandPreparedStatementQuery() | messages.CommandPreparedStatementUpdate():
                one = self.prepared.get(command.prepared_statement_handle, call.owner)
                return one.query, one.values
            case messages.CommandStatementIngest():
                raise FlightRefusal("INVALID_ARGUMENT", "rows to be stored are uploaded", "use DoPut")
            case _:
                raise FlightRefusal("INVALID_ARGUMENT", f"{type(command).__name__} is no command")

    @contextmanager
    def _call(self, context: flight.ServerCallContext) -> Generator[FlightCall]:
        """Return the call, and raise its errors as pyarrow wants them."""
        call = context.get_middleware(MIDDLEWARE)
        assert isinstance(call, FlightCall), "made before any handler is called"
        call.attach(context)
        try:
            self.calls.add(call)
            yield call
        except Exception as error:  # noqa: BLE001  the client is told of every error
            raise call.failed(error) from None


def _info(
    schema: pa.Schema, descriptor: flight.FlightDescriptor, ticket: flight.Ticket, rows: int = -1
) -> flight.FlightInfo:
    # An endpoint without a place is read where its info came from.
    return flight.FlightInfo(schema, descriptor, [flight.FlightEndpoint(ticket, [])], rows, -1)


def _batches(reader: flight.MetadataRecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the rows of an upload."""
    for chunk in reader:
        if chunk.data is not None:
            yield chunk.data

"""What statements take and give, told before they run: the types of parameters, and the columns of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from btql_planner.types import NUMERIC, Kind
from btql_server.pgwire.conforming import conforming
from btql_server.pgwire.cursors import fetch_of, inner_of
from btql_server.pgwire.decoder import decode_parameter
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.known_answers import known_by
from btql_server.pgwire.portals import Columns, Prepared
from btql_server.pgwire.scanning import Piece
from btql_server.pgwire.statements import understood
from btql_server.pgwire.types import NAMED, TEXT, column_type, pg_type, type_named
from btql_server.reading.directory import Visible
from btql_server.reading.running import describe_query

if TYPE_CHECKING:
    from btql.describe import Described
    from btql_planner.types import Type
    from btql_server.pgwire import requests
    from btql_server.pgwire.session import Session
    from btql_server.pgwire.statements import Statement


class Describing:
    """Describes the statements of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def describe(self, prepared: Prepared) -> None:
        """Find out what a statement takes and gives, to tell it to the client."""
        statement = prepared.statement
        if prepared.is_described or statement is None:
            return
        if statement.kind in ("session", "copy"):
            prepared.parameters = prepared.given
        elif statement.kind == "fetch":
            prepared.parameters = ()
            cursor = self._session.kept.cursor(fetch_of(statement).name)
            if cursor.opened is not None:
                prepared.columns = Columns(cursor.opened.names, cursor.opened.types)
        elif statement.kind == "declare":
            text, shift = inner_of(statement)
            inner = Prepared(understood(Piece(text, statement.piece.offset + shift)), prepared.given)
            await self.describe(inner)
            prepared.parameters = inner.parameters
        elif statement.kind == "rows" and (opened := known_by(self._session, statement)) is not None:
            prepared.parameters = prepared.given
            prepared.columns = Columns(opened.names, opened.types)
        elif statement.kind == "rows" and await self._is_catalog(statement):
            await self._describe_catalog(prepared, statement)
        else:
            found = await self._described(statement)
            prepared.parameters = _parameters(found, prepared.given)
            if statement.kind == "rows":
                names = [each.name for each in found.outputs]
                prepared.columns = Columns(names, [column_type(each) for each in found.outputs])
        prepared.is_described = True

    async def _is_catalog(self, statement: Statement) -> bool:
        session = self._session
        return not statement.piece.is_btql and await session.look(session.catalog.answers, statement.text)

    async def _describe_catalog(self, prepared: Prepared, statement: Statement) -> None:
        session = self._session
        asked = session.catalog_session(lambda name, value, local: None)  # noqa: ARG005  nothing is run
        async with session.working("DESCRIBE") as work:
            visible = Visible(work.asker)
            describe = session.catalog.describe
            run = partial(describe, statement.text, visible, asked, types=prepared.given, stop=work.stop)
            found = await session.state.pools["small"].run(run)
        prepared.parameters = tuple(each.oid for each in found.parameters)
        prepared.columns = Columns(list(found.schema.names), found.types)

    async def _described(self, statement: Statement) -> Described:
        session = self._session
        text = await session.look(conforming, statement.text)
        session.asked = statement.piece
        options = session.options()
        async with session.working("DESCRIBE") as work:
            return await session.state.pools["query"].run(
                lambda: describe_query(
                    work.asker, text, work.stop, options=options, pinned=session.transaction.pinned()
                )
            )

    async def values(self, prepared: Prepared, asked: requests.Bind) -> Sequence[object]:
        """Return the values of parameters; types that the client leaves open are found out."""
        given = asked.values
        types = prepared.parameters
        if types is None and len(prepared.given) >= len(given) and 0 not in prepared.given[: len(given)]:
            types = prepared.given
        if types is None:
            if not given:
                return ()
            # Of its columns nothing is promised by that.
            asked_for = Prepared(prepared.statement, prepared.given)
            await self.describe(asked_for)
            types = prepared.parameters = asked_for.parameters or ()
        if prepared.parameters is not None and len(given) != len(types):
            message = (
                f'bind message supplies {len(given)} parameters, but prepared statement "{asked.statement[:80]}" '
                f"requires {len(types)}"
            )
            raise Failure("08P01", message)
        formats = asked.formats or (0,)
        return [
            None if data is None else decode_parameter(type_, formats[min(place, len(formats) - 1)], data, place + 1)
            for place, (data, type_) in enumerate(zip(given, types, strict=False))
        ]


def _parameters(found: Described, given: tuple[int, ...]) -> tuple[int, ...]:
    """Return the types of parameters: those that the client has given, or those that fit where they stand."""
    types: list[int] = []
    for place, each in enumerate(found.parameters):
        asked = given[place] if place < len(given) else 0
        cast = None if each.type_name is None else type_named(each.type_name)
        types.append(asked or (_type_of(each.kinds) if cast is None else cast.oid))
    return tuple(types)


def _type_of(kinds: Type) -> int:
    if len(kinds) == 1:
        return pg_type(next(iter(kinds))).oid
    if kinds and kinds <= NUMERIC:
        return NAMED["numeric" if Kind.BIG in kinds and len(kinds) == 1 else "float8"].oid
    return TEXT.oid

"""``POST /btql/tables``: the objects as tables, for clients that look what there is, such as SQLAlchemy's dialect."""

from __future__ import annotations

import msgspec

from btql import tables
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.reading.directory import Visible

routes = Routes("Queries")


class TablesRequest(msgspec.Struct):
    """Which tables."""

    schema: str | None = None
    """The kind of their objects; all where it is not given."""


class OneTable(msgspec.Struct):
    """One object, as a table."""

    number: int
    """Stays the same as long as the object lives."""
    schema: str
    """The kind of the object."""
    name: str
    """The registered name where that is unique, else the id."""
    id: str
    note: str | None
    """What it is, for people."""
    constants: tuple[str, ...]
    """Columns beside those of all tables; each has one value in all rows."""


class Tables(msgspec.Struct):
    """The tables that whoever asks may read."""

    tables: list[OneTable]


@routes.post("/btql/tables", answer=Tables, pool="query")
def list_tables(call: Call, body: TablesRequest) -> Answer:
    """List the objects that may be read, under the names that a query gives them."""
    found = tables.tables(Visible(call))
    wanted = [each for each in found if body.schema in (None, each.schema)]
    listed = [OneTable(each.number, each.schema, each.name, each.id, each.note, each.constants) for each in wanted]
    return json_answer(msgspec.to_builtins(Tables(listed)))

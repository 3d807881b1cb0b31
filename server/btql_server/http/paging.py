"""The parameters that every list of the REST API takes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from btql_server.http.call import uuid_of
from btql_server.registry.paging import Page


class PageQuery(Struct):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=0)] | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    ids: str | list[str] | None = None


def page_of(query: PageQuery) -> Page:
    """Return the page that a query asks for; 400 for what is no id."""
    # Some clients repeat the parameter, some put commas between.
    ids = query.ids.split(",") if isinstance(query.ids, str) else query.ids
    return Page(
        query.limit,
        None if query.starting_after is None else uuid_of(query.starting_after, "starting_after"),
        None if query.ending_before is None else uuid_of(query.ending_before, "ending_before"),
        None if ids is None else [uuid_of(each, "ids") for each in ids],
    )

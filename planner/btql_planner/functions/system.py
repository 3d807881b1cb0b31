"""What clients ask of a database: who it is, and a name that nothing else has."""

from __future__ import annotations

from btql_planner import sql_text
from btql_planner.functions.declare import Text, scalar


@scalar
def version() -> Text:
    """Return the name and version of this database.

    >>> starts_with(version(), 'btql ')
    True
    """
    from importlib.metadata import version as installed

    return sql_text.text(f"btql {installed('btql')}")


@scalar(aliases=("uuid_generate_v4",), volatile=True)
def gen_random_uuid() -> Text:
    """Return a random UUID, another one in each row.

    >>> length(gen_random_uuid())
    36
    """
    return "uuid()"

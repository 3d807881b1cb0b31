"""Values of parameters as callers give them, and what goes on to the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np

from btql.errors import InterfaceError

if TYPE_CHECKING:
    from btql_grammar.parameters import Values


def checked(parameters: object) -> Values:
    """Return values in a list or a dictionary, values of numpy and pandas as Python's; refuse what is neither."""
    if isinstance(parameters, Mapping):
        named = cast("Mapping[object, object]", parameters)
        return {str(name): _plain(value) for name, value in named.items()}
    if isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes | bytearray):
        return [_plain(value) for value in cast("Sequence[object]", parameters)]
    kind = type(parameters).__name__
    raise InterfaceError(f"parameters are a list, a tuple or a dictionary, not `{kind}`: write `[value]`")


def _plain(value: object) -> object:
    """Return a value of numpy or pandas as Python has it."""
    if isinstance(value, datetime | timedelta) and value != value:  # noqa: PLR0124
        # The one for no time of pandas, which is a datetime in all but its methods.
        return None
    if type(value).__name__ == "NAType":
        # What its columns with nulls of their own have; to import pandas for it would take a while.
        return None
    if isinstance(value, datetime) and type(value) is not datetime:
        return datetime.combine(value.date(), value.time(), value.tzinfo)
    if isinstance(value, timedelta) and type(value) is not timedelta:
        return timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return value.astype("datetime64[us]" if isinstance(value, np.datetime64) else "timedelta64[us]").item()
    if isinstance(value, np.generic):
        return cast("object", value.item())
    return cast("object", value.tolist()) if isinstance(value, np.ndarray) else value

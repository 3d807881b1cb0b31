"""Samples: values for those parameters of a statement whose value has to be known before it can be planned.

A null does for most parameters while a statement is described. It does not for a pattern, a unit of time, a path of
keys and the like: there, planning ends in an error at the parameter, and samples are tried until one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from btql.errors import QueryError
from btql_grammar import tree
from btql_grammar.parameters import Key, Values, with_values
from btql_grammar.span import Source, Span
from btql_planner.types import NUMBER, TEXT, Kind, Type

if TYPE_CHECKING:
    from btql.database import Database
    from btql_planner.options import QueryOptions

SAMPLES: tuple[object, ...] = ("day", "{day}", "UTC", 1, 0.5, timedelta(days=1))
"""A pattern or a unit, a path, a time zone, a count, a fraction, a length of time."""
_NOTHING = Span(0, 0)


def samples_of(
    database: Database, source: Source, statement: tree.Statement, options: QueryOptions, places: Mapping[Span, Key]
) -> dict[Key, object]:
    """Return the samples with which a statement can be planned; none where nulls do. Raise what is wrong without."""
    left: dict[Key, tuple[object, ...]] = {}
    samples: dict[Key, object] = {}
    earliest: QueryError | None = None
    while True:
        try:
            known = with_values(statement, given(places, samples)) if samples else statement
            database.compile_statement(source, known, options).sources.close()
        except QueryError as error:
            earliest = earliest or error
            label = error.diagnostics[0].primary
            near = [] if label is None else [key for span, key in places.items() if _is_in(span, label.span)]
            key = next((each for each in near if left.get(each, SAMPLES)), None)
            if key is None:
                raise earliest from None
            samples[key], *rest = left.get(key, SAMPLES)
            left[key] = tuple(rest)
        else:
            return samples


def given(places: Mapping[Span, Key], values: Mapping[Key, object]) -> Values:
    """Return a value for each parameter: itself where there is none."""
    keys = list(dict.fromkeys(places.values()))
    if any(isinstance(key, str) for key in keys):
        return {str(key): values.get(key, tree.Parameter(key, span=_NOTHING)) for key in keys}
    last = max((key for key in keys if isinstance(key, int)), default=0)
    return [values.get(key, tree.Parameter(key, span=_NOTHING)) for key in range(1, last + 1)]


def kinds_of(sample: object) -> Type:
    """Return the kinds of a sample."""
    match sample:
        case str():
            return TEXT
        case int() | float():
            return NUMBER
        case _:
            return frozenset({Kind.INTERVAL})


def _is_in(span: Span, whole: Span) -> bool:
    return whole.start <= span.start and span.end <= whole.end

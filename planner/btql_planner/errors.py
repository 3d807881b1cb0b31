"""Codes of the planner's errors, and the errors that more than one module raises.

B02xx names, B03xx types and arguments, B04xx the shape of the query. Each has
a page in ``docs/errors``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span

if TYPE_CHECKING:
    from btql_planner.expressions import AggregateCall, Apply
    from btql_planner.functions.call import ArgumentError

UNKNOWN_FUNCTION = "B0201"
UNKNOWN_NAME = "B0202"
AMBIGUOUS_NAME = "B0203"
NOT_GROUPED = "B0204"
DUPLICATE_ALIAS = "B0205"
BAD_POSITION = "B0206"
WRONG_TYPE = "B0301"
WRONG_ARGUMENT = "B0302"
NOT_A_TIME = "B0303"
WRONG_ARGUMENT_COUNT = "B0304"
MISPLACED = "B0305"
NO_SOURCE = "B0401"
UNKNOWN_SOURCE = "B0402"
NOT_SUPPORTED = "B0403"
COLUMN_COUNT = "B0404"
TOO_MANY_ROWS = "B0405"
BAD_OPTION = "B0410"
BAD_CURSOR = "B0411"
STRICT_LINT = "B0412"
NESTED_SPANS = "B0413"
WRONG_SHAPE = "B0414"
BAD_PIVOT = "B0415"
BAD_UNPIVOT = "B0416"
UNREADABLE_VERSION = "B0417"
SEVERAL_ROWS = "B0418"


def close_to(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` may be a slip of."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def place_of(text: str, word: str, span: Span) -> Span:
    """Return where a word stands last within a span, with quotes around it; the whole span where it does not."""
    if not word:
        start = max(text.rfind(empty, span.start, span.end) for empty in ("''", '""'))
        return span if start < 0 else Span(start, start + 2)
    start = text.lower().rfind(word.lower(), span.start, span.end)
    end = start + len(word)
    if start < 0:
        return span
    quoted = text[start - 1 : start] in ("'", '"') and text[end : end + 1] == text[start - 1 : start]
    return Span(start - quoted, end + quoted)


def wrong_argument(error: ArgumentError, call: Apply | AggregateCall) -> BtqlError:
    """Return the error for an argument that the body of a declaration refuses."""
    place = call.arguments[min(error.index, len(call.arguments) - 1)].span
    return BtqlError.of(WRONG_ARGUMENT, str(error), place, "this", help=error.help)


def columns(count: int) -> str:
    """Return so many columns in words."""
    return f"{count} column{'' if count == 1 else 's'}"


def constant_order(span: Span) -> BtqlError:
    """Return the error for a text or a fraction that rows are to be sorted by."""
    return BtqlError.of(
        BAD_POSITION, "a constant puts rows into no order", span, "the same for every row",
        help="write the name of a column, without quotes, or its position: `1`",
    )  # fmt: skip


def too_deep(span: Span) -> BtqlError:
    """Return the error for queries inside each other without end."""
    return BtqlError.of(
        "B0107", "the query is nested too deep", span, "too deep here",
        help="let fewer common tables and queries read one another in a row",
    )  # fmt: skip


def not_supported(what: str, span: Span, way_out: str | None = None) -> BtqlError:
    """Return the error for something that is part of the language but not built."""
    return BtqlError.of(NOT_SUPPORTED, f"{what} is not supported yet", span, "this", help=way_out)

"""What may be asked for beside the text of a query.

Options come from whoever sends the query: a keyword of ``Connection.query``, a
flag of the command line, a field of a request. SQL's ``SETTINGS`` name some of
them in the text itself, and the text wins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.prices import PriceSource, builtin_prices

LintMode = Literal["off", "default", "strict"]
LINT_MODES = ("off", "default", "strict")
MINUTES_MAX = 18 * 60
"""No clock on earth is further from UTC."""
SETTINGS = ("inference_budget", "lint_mode", "preview_length", "tz_offset", "version")
"""The keys that SETTINGS takes."""


class SessionFunctions(Protocol):
    """Functions whose values only the session of a client knows, such as ``current_user``."""

    @property
    def names(self) -> Collection[str]:
        """What they are called."""
        ...

    @property
    def keywords(self) -> Collection[str]:
        """Those that are called by their bare name."""
        ...

    def value(self, name: str, arguments: Sequence[object]) -> tree.Scalar:
        """Return what one of them returns."""
        ...


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The options of one query; a wrong one raises :class:`BtqlError` when they are made."""

    tz_offset: int = 0
    """Minutes to add to local time to get UTC, as JavaScript counts: 480 is US Pacific Standard Time.

    Moves the boundaries of ``day()``, ``date_trunc()`` and their like, and nothing else.
    """
    version: str | None = None
    """Read the rows as they were right after this transaction."""
    lint: LintMode = "default"
    """``default`` adds lints to the answer, ``strict`` refuses a query that has any, ``off`` does not look."""
    now: datetime | None = None
    """What ``now()`` is; None is the time at which the query is planned."""
    default_limit: int | None = None
    """The limit of a query that has none of its own."""
    limit_max: int | None = None
    """A larger limit is lowered to this one, with a warning."""
    preview_length: int | None = None
    """Characters that are left of ``input``, ``output``, ``expected``, ``error`` and ``metadata``; -1 keeps all."""
    inference_budget: int | None = None
    """How many rows ``infer`` may look at."""
    cursor: str | None = None
    """The token of the page before."""
    describing: bool = False
    """The answer is described and not computed: parameters need no values."""
    bulk: bool = False
    """It is an export: it gives way to other queries. One that hands out all of many rows is one in any case."""
    prices: PriceSource = builtin_prices
    """What models cost, asked for by ``estimated_cost()`` alone."""
    session: SessionFunctions | None = field(default=None, compare=False)
    """Functions of the client's session, where there is one; a plan that has asked them is good for one query."""

    def __post_init__(self) -> None:
        for name in ("tz_offset", "default_limit", "limit_max", "preview_length", "inference_budget"):
            _check_number(name, getattr(self, name))
        if self.lint not in LINT_MODES:
            raise _wrong("lint_mode", self.lint, f"one of {', '.join(LINT_MODES)}")
        if self.version is not None and not _is_transaction(self.version):
            raise _wrong("version", self.version, "a transaction number, as `max(_xact_id)` gives it")
        _check_text("cursor", self.cursor, "the token of the page before, a text")


def _is_transaction(text: str) -> bool:
    return text.isdecimal() and len(text) <= _VERSION_DIGITS and int(text) < 2**63


_VERSION_DIGITS = 19
_BOUNDS = {
    "tz_offset": (-MINUTES_MAX, MINUTES_MAX),
    "default_limit": (0, 2**63 - 1),
    "limit_max": (0, 2**63 - 1),
    "preview_length": (-1, 2**31 - 1),
    "inference_budget": (1, 2**31 - 1),
}


def settled(options: QueryOptions, query: tree.Query, text: str = "") -> QueryOptions:
    """Return the options with what the query itself says: its clauses and its SETTINGS. ``text`` is for errors."""
    for key, value in query.settings:
        options = _with_setting(options, key, value, errors.place_of(text, key, query.span))
    if query.preview_length is not None:
        options = replace(options, preview_length=query.preview_length)
    if query.inference_budget is not None:
        options = replace(options, inference_budget=query.inference_budget)
    if query.cursor is not None:
        options = replace(options, cursor=query.cursor)
    return options


def with_limits(statement: tree.Statement, options: QueryOptions) -> tuple[tree.Statement, list[str]]:
    """Return the statement with a limit within what the options allow, and a warning where that changes the answer."""
    if not isinstance(statement, tree.Query | tree.SetOperation):
        return statement, []
    limit = options.default_limit if statement.limit is None else statement.limit
    highest = options.limit_max
    if highest is None or (limit is not None and limit <= highest):
        return statement if limit == statement.limit else replace(statement, limit=limit), []
    asked = "no limit" if limit is None else f"the limit {limit:,}"
    return replace(statement, limit=highest), [f"{asked} was lowered to {highest:,}, the most that is allowed here"]


def _with_setting(options: QueryOptions, key: str, value: tree.Scalar, span: Span) -> QueryOptions:
    name = key.lower()
    if name not in SETTINGS:
        close = errors.close_to(name, SETTINGS)
        listed = ", ".join(f"`{each}`" for each in SETTINGS)
        raise BtqlError.of(
            errors.BAD_OPTION, f"there is no setting `{key}`", span, "not a setting",
            help=f"did you mean `{close}`?" if close else f"the settings are {listed}",
        )  # fmt: skip
    try:
        match name:
            case "lint_mode":
                return replace(options, lint=cast("LintMode", str(value).lower()))
            case "version":
                return replace(options, version=str(value))
            case "tz_offset":
                return replace(options, tz_offset=cast("int", value))
            case "preview_length":
                return replace(options, preview_length=cast("int", value))
            case _:
                return replace(options, inference_budget=cast("int", value))
    except BtqlError as error:
        (wrong,) = error.diagnostics
        raise BtqlError.of(wrong.code, wrong.message, span, "this setting", help=wrong.help) from None


def _check_text(name: str, value: object, wanted: str) -> None:
    if value is not None and not isinstance(value, str):
        raise _wrong(name, value, wanted)


def _check_number(name: str, value: object) -> None:
    if value is None:
        return
    low, high = _BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        # Whoever asks calls it so.
        raise _wrong("limit" if name == "default_limit" else name, value, f"a whole number from {low} to {high}")


def _wrong(name: str, value: object, wanted: str) -> BtqlError:
    return BtqlError.of(errors.BAD_OPTION, f"`{name}` cannot be {value!r}", help=f"it takes {wanted}")


def refuse_parameters(query: tree.Query | tree.SetOperation, options: QueryOptions) -> None:
    """Raise where a parameter stands for a number of rows and has no value."""
    if query.counts and not options.describing:
        from btql_grammar.parameters import without_value

        raise without_value(query.counts[0][1])

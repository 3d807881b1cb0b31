"""What calls of models cost, in US dollars."""

from __future__ import annotations

from collections.abc import Sequence

from btql_grammar.span import Span
from btql_planner import sql_text, types
from btql_planner import value as values
from btql_planner.functions.call import PLAIN, Call
from btql_planner.functions.declare import Amount, form
from btql_planner.functions.function import Binder, Function, Parameter
from btql_planner.prices import Price, Prices
from btql_planner.types import Kind
from btql_planner.value import Value, of

_TOKENS = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_creation_tokens")
_MILLION = 1_000_000
_PROVIDER = "'^[^/]*/'"
_VERSION = "'-(20[0-9]{2}-?[0-9]{2}-?[0-9]{2}|latest)$'"


@form()
def estimated_cost(binder: Binder, span: Span) -> Amount:
    """Return the cost of a span in US dollars: ``metrics.estimated_cost``, else its tokens at the price of its model.

    Prices are those of `metadata.model` in a table that comes with the database: approximate list prices, as known
    on 2025-10-01. ``btql.connect(prices=...)``, or a file ``prices.json`` or ``prices.toml`` in the folder of the
    database, comes before it. A model that is not there is looked up without its provider (``openai/``) and its date
    (``-2024-08-06``); one that is unknown costs null.

    >>> estimated_cost() IS NULL
    True
    """
    paths = [("metadata", "model"), *(("metrics", name) for name in (*_TOKENS, "estimated_cost"))]
    arguments = [binder.field(*path, span=span) for path in paths]
    return binder.apply_to(_pricing(binder.prices()), arguments, span)


def _pricing(prices: Prices) -> Function:
    """Return the function from model, tokens and a known cost to the cost."""

    def lower(arguments: Sequence[Value], *, exact: bool, call: Call = PLAIN) -> Value:  # noqa: ARG001
        model, prompt, completion, cached, written, cost = arguments
        prompt_sql, completion_sql = _number(prompt), _number(completion)
        cached_sql, written_sql = (f"coalesce({_number(each)}, CAST(0 AS DOUBLE))" for each in (cached, written))
        key = _key(model.get(Kind.TEXT), prices)
        rest = f"greatest(coalesce({prompt_sql}, 0) - {cached_sql} - {written_sql}, CAST(0 AS DOUBLE))"
        tokens = f"make_array({rest}, {cached_sql}, {written_sql}, coalesce({completion_sql}, CAST(0 AS DOUBLE)))"
        dollars = f"dot_product({tokens}, {_rates(key, prices)})"
        known = f"{prompt_sql} IS NOT NULL OR {completion_sql} IS NOT NULL"
        return of(Kind.FLOAT, f"coalesce({_number(cost)}, CASE WHEN {known} THEN ({dollars}) / {_MILLION} END)")

    parameter = Parameter("value", types.ANY, whole=True)
    return Function(
        "model_cost", (parameter,), variadic=True, returns=lambda _: types.FLOAT, lower=lower, documentation="",
        hidden=True, scalars_only=True,
    )  # fmt: skip


def _number(value: Value) -> str:
    return f"CAST({values.single(values.number(value))} AS DOUBLE)"


def _key(model: str, prices: Prices) -> str:
    """Return the name under which the table has a model."""
    names = ", ".join(sql_text.text(name) for name in prices)
    plain = f"regexp_replace(regexp_replace({model}, {_PROVIDER}, ''), {_VERSION}, '')"
    return f"CASE WHEN {model} IN ({names}) THEN {model} ELSE {plain} END"


def _rates(key: str, prices: Prices) -> str:
    """Return what tokens cost: plain ones, those read from a cache, those written to one, and those the model made."""
    whens = " ".join(f"WHEN {sql_text.text(name)} THEN {_rate(price)}" for name, price in prices.items())
    return f"CASE {key} {whens} END"


def _rate(price: Price) -> str:
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    return f"make_array({price.input!r}, {cached!r}, {written!r}, {price.output!r})"

"""Prices of models, for ``estimated_cost()``.

``prices.json`` beside this module has the common models by the name that their
makers give them, in US dollars for a million tokens: approximate list prices, as
known on the date that it names. Whoever runs a query may bring a table of their
own, which comes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast


class PriceError(ValueError):
    """A table of prices is not what it should be; the message names the place."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of one model."""

    input: float
    output: float
    cached_input: float | None = None
    """Tokens of the prompt that were read from a cache; None: at the price of the others."""
    cache_write: float | None = None
    """Tokens of the prompt that were written to a cache; None: at the price of the others."""


Prices: TypeAlias = Mapping[str, Price]
PriceSource: TypeAlias = Callable[[], Prices]
"""What gives the prices once a query asks for a cost."""


@cache
def builtin_prices() -> Prices:
    """Return the prices that come with the database."""
    import json

    return read_table(cast("object", json.loads((Path(__file__).parent / "prices.json").read_text())))


def read_table(document: object) -> dict[str, Price]:
    """Return the prices of a document such as ``{"models": {"a": {"input": 1.0, "output": 2.0}}}``.

    Raises :class:`PriceError` where it is something else.
    """
    models = cast("dict[str, object]", document).get("models") if isinstance(document, dict) else None
    if not isinstance(models, dict):
        raise PriceError("a table of prices has an object `models`")
    return {name: _price(name, value) for name, value in cast("dict[str, object]", models).items()}


def _price(model: str, value: object) -> Price:
    known = [each.name for each in fields(Price)]
    if not isinstance(value, dict):
        raise PriceError(f"the price of `{model}` is an object with {', '.join(f'`{name}`' for name in known)}")
    numbers = cast("dict[str, object]", value)
    for name, number in numbers.items():
        if name not in known:
            raise PriceError(
                f"`{name}` of `{model}` is no price; prices are {', '.join(f'`{each}`' for each in known)}"
            )
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1e9:
            raise PriceError(f"`{name}` of `{model}` is a number of dollars for a million tokens")
    missing = [name for name in ("input", "output") if name not in numbers]
    if missing:
        raise PriceError(f"the price of `{model}` has no `{missing[0]}`")
    return Price(**{name: float(cast("float", number)) for name, number in numbers.items()})

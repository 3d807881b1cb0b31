"""Where the prices for ``estimated_cost()`` come from.

The table that comes with btql, then ``prices.json`` or ``prices.toml`` in the
folder of the database, then what ``btql.connect(prices=...)`` names: a later
price of a model takes the place of an earlier one. A file says::

    [models."my-model"]          # US dollars for a million tokens
    input = 1.5
    output = 6.0
    cached_input = 0.15          # may be left out, as may cache_write

Nothing is read before a query asks for a cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from btql.errors import Error
from btql_planner.prices import PriceError, Prices, PriceSource, builtin_prices, read_table

FILES = ("prices.json", "prices.toml")


def price_source(folder: Path | None, given: str | Path | Mapping[str, object] | None) -> PriceSource:
    """Return the prices of the database in ``folder``, if it is in one, with those that its user gives."""

    @cache
    def prices() -> Prices:
        found = dict(builtin_prices())
        for path in () if folder is None else (folder / name for name in FILES):
            if path.exists():
                found |= _read(path)
        if isinstance(given, Mapping):
            found |= _table(given, "prices")
        elif given is not None:
            found |= _read(Path(given))
        return found

    return prices


def _read(path: Path) -> Prices:
    import json
    import tomllib

    try:
        text = path.read_text()
        return _table(tomllib.loads(text) if path.suffix == ".toml" else json.loads(text), str(path))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise Error(f"cannot read prices from `{path}`: {error}") from error


def _table(document: object, name: str) -> Prices:
    try:
        return read_table(document)
    except PriceError as error:
        raise Error(f"{name}: {error}") from error

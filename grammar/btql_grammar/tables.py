"""The parse tables of BTQL, made from ``btql.lark`` ahead of time.

lark works out the LALR(1) tables; that takes it a quarter of a second, and even
loading tables it saved itself costs 100 ms with the import. A query from the
command line should not wait for that, so the tables are kept as plain JSON next
to the grammar, and :mod:`btql_grammar.lalr` runs them without lark:

1. ``python -m btql_grammar.tables`` writes ``btql.tables.json`` (needs lark).
2. :func:`load` reads it, once per process, in a few milliseconds.
3. ``tests/grammar/test_tables.py`` fails when the file is not what the grammar
   gives, so the two cannot drift apart.

States are numbered in the order in which they are first reached, so that the
file depends on the grammar alone and a small change stays a small difference.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from pkgutil import get_data
from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from lark.grammar import Rule
    from lark.parsers.lalr_analysis import IntParseTable as ParseTable

STARTS = ("query", "expression")
END = "$END"

Table = dict[str, int]


@dataclass(frozen=True, slots=True)
class Production:
    """One rule of the grammar, and what to do when it has been read."""

    origin: str
    size: int
    """How many symbols it takes from the stack."""
    builder: str
    """The method of the reader that makes the node; empty for a list of parts."""
    parts: tuple[int, ...]
    """The symbols that reach the builder."""
    spread: frozenset[int]
    """The parts that are lists, whose items the builder gets one by one."""
    unit: bool
    """It takes one symbol and leaves it as it is: most steps are of this kind."""
    plain: bool
    """The builder gets all symbols as they are."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What to do in each state: shift (state + 1), or reduce by a rule (-rule - 1)."""

    starts: dict[str, int]
    ends: dict[str, int]
    rules: tuple[Production, ...]
    actions: tuple[Table, ...]
    """By state and terminal."""
    gotos: tuple[Table, ...]
    """By state and rule name: the state to go on in."""
    shortcuts: dict[tuple[int, int, str], int] = field(default_factory=dict, compare=False, repr=False)
    """What the parser has found out about chains of unit rules; see ``lalr``."""


@cache
def load() -> Tables:
    """Return the tables that belong to the grammar."""
    data = orjson.loads(_resource("btql.tables.json"))
    rules = tuple(
        Production(
            origin,
            size,
            builder,
            tuple(parts),
            frozenset(spread),
            unit=inline and size == 1,
            plain=bool(builder) and len(parts) == size and not spread,
        )
        for origin, size, builder, inline, parts, spread in data["rules"]
    )
    actions, gotos = zip(*data["states"], strict=True)
    return Tables(data["starts"], data["ends"], rules, actions, gotos)


def _resource(name: str) -> bytes:
    # importlib.resources would do, but takes longer to import than the tables to load.
    data = get_data("btql_grammar", name)
    assert data is not None, "the file is part of the package"
    return data


def generate() -> str:
    """Work the tables out from ``btql.lark`` and return the text of the file."""
    from lark import Lark  # Only developers have lark; reading a query does not need it.

    grammar = _resource("btql.lark").decode()
    lark = Lark(grammar, parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=False)
    table: ParseTable = cast("Any", lark.parser).parser._parse_table  # noqa: SLF001 - lark has no public way to its tables
    rules = {rule: number for number, rule in enumerate(lark.rules)}
    order = _reachable(table)
    states = [_state(table.states[old], order, rules) for old in order]
    lines = [
        "{",
        f' "starts": {json.dumps({name: order[table.start_states[name]] for name in STARTS})},',
        f' "ends": {json.dumps({name: order[table.end_states[name]] for name in STARTS})},',
        ' "rules": [',
        ",\n".join("  " + json.dumps(_rule(rule)) for rule in rules),
        " ],",
        ' "states": [',
        ",\n".join("  " + json.dumps(state) for state in states),
        " ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _reachable(table: ParseTable) -> dict[int, int]:
    """Number the states in the order of first use: breadth first, symbols by name."""
    queue = [table.start_states[name] for name in STARTS]
    order = {state: number for number, state in enumerate(queue)}
    for state in queue:
        for _, (action, target) in sorted(table.states[state].items()):
            if str(action) == "Shift" and target not in order:
                order[target] = len(order)
                queue.append(target)
    return order


def _state(entries: dict[str, Any], order: dict[int, int], rules: dict[Rule, int]) -> tuple[Table, Table]:
    actions: Table = {}
    gotos: Table = {}
    for symbol, (action, target) in sorted(entries.items()):
        if str(action) != "Shift":
            actions[symbol] = -rules[target] - 1
        elif symbol.isupper():
            actions[symbol] = order[target] + 1
        else:
            gotos[symbol] = order[target]
    return actions, gotos


def _rule(rule: Rule) -> tuple[str, int, str, bool, list[int], list[int]]:
    origin = str(rule.origin.name)
    symbols = rule.expansion
    parts = [i for i, symbol in enumerate(symbols) if not getattr(symbol, "filter_out", False)]
    spread = [i for i in parts if symbols[i].name.startswith("__")]
    builder = "" if origin.startswith("__") else str(rule.alias or origin)
    inline = bool(rule.options.expand1) and not rule.alias
    return origin, len(symbols), builder, inline, parts, spread


if __name__ == "__main__":
    target = Path(__file__).with_name("btql.tables.json")
    target.write_text(generate(), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")

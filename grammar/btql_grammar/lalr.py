"""Run the parse tables: a shift-reduce parser with one token of lookahead.

The loop is the textbook one. Two things are special: the lexer is told which
terminals the current state can use, and a token that fits nowhere leaves as
:class:`Unexpected` with all that is needed to say what would have fitted.
Nothing recurses, so no input can exhaust the Python stack here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

from btql_grammar.lexer import Lexer, Token
from btql_grammar.tables import END, Production, Tables

Builders = Mapping[str, Callable[[list[Any]], object]]


class Unexpected(Exception):  # noqa: N818 - not an error yet: mistakes.py makes one of it
    """The parser cannot go on with ``token``."""

    def __init__(self, token: Token, read: list[object], expected: set[str]) -> None:
        super().__init__(token.type)
        self.token = token
        self.read = read
        """The tokens and parts read so far and not yet joined; the latest last."""
        self.expected = expected
        """The terminals that could have stood here."""

    @property
    def last(self) -> Token | None:
        """The token right before, unless it has been joined into a part already."""
        last = self.read[-1] if self.read else None
        return last if isinstance(last, Token) else None

    def follows(self, *types: str) -> bool:
        """Tell whether the token right before is one of these."""
        return self.last is not None and self.last.type in types


class _Stopped(NamedTuple):
    """Where a run ended."""

    token: Token
    states: list[int]
    values: list[Any]
    accepted: bool


class _Recorder(Lexer):
    """A lexer that remembers what it has given."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.given: list[Token] = []

    def next(self, usable: Container[str]) -> Token:
        """Return the next token."""
        self.given.append(super().next(usable))
        return self.given[-1]


def tokens(text: str, start: str, tables: Tables, builders: Builders) -> list[Token]:
    """Return the tokens of a text that can be parsed, named as the parser took them; the end is the last."""
    lexer = _Recorder(text)
    end = _run(lexer, start, tables, builders, before=None)
    assert end.accepted, "the text has been parsed before"
    return lexer.given


def parse(text: str, start: str, tables: Tables, builders: Builders) -> object:
    """Return what the builders made of the whole text."""
    end = _run(Lexer(text), start, tables, builders, before=None)
    if end.accepted:
        return end.values[0]
    # The token made the parser join parts before it turned out not to fit, so the
    # stacks no longer say what else could have come. A second run stops before it.
    stop = _run(Lexer(text), start, tables, builders, before=end.token)
    raise Unexpected(end.token, stop.values, _expected(stop.states, tables))


def _run(lexer: Lexer, start: str, tables: Tables, builders: Builders, *, before: Token | None) -> _Stopped:
    actions, gotos, rules = tables.actions, tables.gotos, tables.rules
    states = [tables.starts[start]]
    values: list[Any] = []
    while True:
        token = lexer.next(actions[states[-1]])
        if token == before:
            return _Stopped(token, states, values, accepted=False)
        while (action := actions[states[-1]].get(token.type, 0)) < 0:
            rule = rules[-action - 1]
            if rule.unit:
                states[-1] = _through_units(states[-2], states[-1], token.type, tables)
                continue
            value = _reduce(rule, values, builders)
            del states[-rule.size :]
            states.append(gotos[states[-1]][rule.origin])
            values.append(value)
        if action == 0:
            accepted = token.type == END and states[-1] == tables.ends[start]
            return _Stopped(token, states, values, accepted)
        states.append(action - 1)
        values.append(token)


def _through_units(below: int, top: int, terminal: str, tables: Tables) -> int:
    """Return the state after all steps that leave the value as it is: most of the steps, so they are remembered."""
    key = (below, top, terminal)
    known = tables.shortcuts.get(key)
    if known is None:
        known = top
        while (action := tables.actions[known].get(terminal, 0)) < 0 and tables.rules[-action - 1].unit:
            known = tables.gotos[below][tables.rules[-action - 1].origin]
        tables.shortcuts[key] = known
    return known


def _reduce(rule: Production, values: list[Any], builders: Builders) -> object:
    taken = values[-rule.size :]
    del values[-rule.size :]
    if rule.plain:
        return builders[rule.builder](taken)
    if not rule.builder and 0 in rule.spread:
        # A growing list: extend it in place, or long lists would take quadratic time.
        parts: list[Any] = taken[0]
        parts.extend(taken[i] for i in rule.parts[1:])
        return parts
    if rule.spread:
        parts = []
        for i in rule.parts:
            if i in rule.spread:
                parts.extend(taken[i])
            else:
                parts.append(taken[i])
    else:
        parts = [taken[i] for i in rule.parts]
    return builders[rule.builder](parts) if rule.builder else parts


def _expected(states: list[int], tables: Tables) -> set[str]:
    """Return the terminals that would really be shifted here.

    The table alone names too many: it may reduce on a lookahead that turns out
    wrong a few steps later. So every candidate is tried on a copy of the stack.
    """
    return {name for name in tables.actions[states[-1]] if _shifts(name, states.copy(), tables)}


def _shifts(terminal: str, states: list[int], tables: Tables) -> bool:
    while (action := tables.actions[states[-1]].get(terminal, 0)) < 0:
        rule = tables.rules[-action - 1]
        del states[-rule.size :]
        states.append(tables.gotos[states[-1]][rule.origin])
    return action > 0 or (terminal == END and states[-1] in tables.ends.values())

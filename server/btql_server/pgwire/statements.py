"""What a statement is, told by its first words: rows, a write, or something for the session itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from btql_grammar.scan import TEXT_CHARS_MAX
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.scanning import Piece, Token, tokens

StatementKind = Literal["rows", "write", "session", "fetch", "declare", "copy"]

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})
_SESSION = {
    "BEGIN": "BEGIN",
    "START": "START TRANSACTION",
    "COMMIT": "COMMIT",
    "END": "COMMIT",
    "ROLLBACK": "ROLLBACK",
    "ABORT": "ROLLBACK",
    "SAVEPOINT": "SAVEPOINT",
    "RELEASE": "RELEASE",
    "SET": "SET",
    "RESET": "RESET",
    "DISCARD": "DISCARD",
    "DEALLOCATE": "DEALLOCATE",
    "PREPARE": "PREPARE",
    "EXECUTE": "EXECUTE",
    "CLOSE": "CLOSE CURSOR",
    "MOVE": "MOVE",
    "LISTEN": "LISTEN",
    "UNLISTEN": "UNLISTEN",
    "NOTIFY": "NOTIFY",
    "LOCK": "LOCK TABLE",
    "CHECKPOINT": "CHECKPOINT",
    "VACUUM": "VACUUM",
    "ANALYZE": "ANALYZE",
    "ANALYSE": "ANALYZE",
}
"""First words of statements that are about the session, and the tags of their answers."""
_CLOSINGS = {"'": ("quoted string", "'"), '"': ("quoted identifier", '"'), "/*": ("comment", "*/")}
_ENDS_FAILED = frozenset({"COMMIT", "END", "ROLLBACK", "ABORT"})


@dataclass(frozen=True)
class Statement:
    """One statement."""

    piece: Piece
    verb: str
    kind: StatementKind

    @property
    def text(self) -> str:
        """Its text."""
        return self.piece.text

    @property
    def tag(self) -> str:
        """What its answer is called, if it is about the session."""
        return _SESSION.get(self.verb, self.verb)

    @property
    def runs_in_failed(self) -> bool:
        """Whether it may run in a transaction that failed."""
        return self.verb in _ENDS_FAILED

    @cached_property
    def tokens(self) -> list[Token]:
        """Its words, texts, numbers and marks."""
        if len(self.text) > TEXT_CHARS_MAX:
            raise Failure("54001", f"a statement has at most {TEXT_CHARS_MAX:,} characters", "send less at a time")
        found = tokens(self.text)
        if found and found[-1].kind == "unclosed":
            raise _unclosed(found[-1])
        return found


def understood(piece: Piece) -> Statement:
    """Return what a statement is."""
    if piece.is_btql:
        return Statement(piece, "BTQL", "rows")
    first = next(iter(tokens(piece.text, 1)), None)
    verb = "" if first is None else first.upper
    if verb == "WITH":
        verb = _behind_with(piece.text)
    match verb:
        case "FETCH":
            kind: StatementKind = "fetch"
        case "DECLARE":
            kind = "declare"
        case "COPY":
            kind = "copy"
        case _:
            kind = "write" if verb in _WRITES else "session" if verb in _SESSION else "rows"
    return Statement(piece, verb, kind)


def _behind_with(text: str) -> str:
    """Return INSERT where queries stand before one, and WITH where all of the statement is a query."""
    depth, before = 0, ""
    for each in tokens(text):
        depth += {"(": 1, ")": -1}.get(each.text, 0)
        if depth == 0 and before == ")" and each.upper not in ("", "AS"):
            return each.upper if each.upper in _WRITES else "WITH"
        before = each.text
    return "WITH"


def _unclosed(token: Token) -> Failure:
    near = token.text[:40]
    opening = next((each for each in _CLOSINGS if near.lstrip("eE").startswith(each)), None)
    if opening is None:
        what, closing = "dollar-quoted string", token.text[: token.text.index("$", 1) + 1]
    else:
        what, closing = _CLOSINGS[opening]
    message = f'unterminated {what} at or near "{near}"'
    return Failure("42601", message, f"add the missing `{closing}`", at=token.start)

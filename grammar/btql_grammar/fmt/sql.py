"""SQL text to the pieces of the formatter.

The tokens of SQL say of a word only that it is one. What is a keyword is judged by
what stands around it: reserved words always are, unless a dot makes them a piece of a
path; others are only where no operand could begin, or in a phrase such as ORDER BY.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from btql_grammar.fmt.pieces import COMMENTS, OPERANDS, ColonSense, Piece, Role, comments, in_order
from btql_grammar.lexer import is_percent
from btql_grammar.sql.cursor import SQL_RESERVED
from btql_grammar.sql.tokens import Token, cut

_HEADS = tuple(
    tuple(phrase.split())
    for phrases in (
        ("with recursive", "with", "select", "from", "where", "group by", "having", "window", "order by", "limit"),
        ("offset", "values", "settings", "tablesample", "pivot", "unpivot", "returning", "explain analyze", "explain"),
        ("union all", "union distinct", "union", "intersect all", "intersect", "except all", "except"),
        ("insert into", "on conflict", "update", "set", "delete from"),
        ("join", "inner join", "cross join", "left join", "left outer join", "right join", "right outer join"),
        ("full join", "full outer join", "natural join", "natural inner join", "natural left join"),
        ("natural right join", "natural full join"),
    )
    for phrase in phrases
)
"""Phrases that begin a clause."""
_FIRST_ALONE = frozenset({"insert", "update", "delete", "explain", "with"})
"""They begin a clause at the beginning of a text or bracket, and nowhere else."""
_ALSO_NAMES = frozenset(
    {"window", "settings", "values", "tablesample", "pivot", "unpivot", "except", "union", "intersect"}
)
"""They begin a clause only behind something complete; elsewhere they may be names."""
_BEHIND_OPERAND = _ALSO_NAMES | {
    "asc", "desc", "nulls", "over", "filter", "within", "using", "on", "between", "similar", "escape", "collate", "at",
    "match", "includes", "isnull", "notnull", "ignore", "respect", "preceding", "following",
}  # fmt: skip
"""Words that are keywords right behind an operand."""
_CONSTANTS = frozenset({"null", "true", "false"})
_PHRASES = frozenset(
    {
        ("group", "by"), ("order", "by"), ("partition", "by"), ("nulls", "first"), ("nulls", "last"),
        ("rows", "between"), ("range", "between"), ("groups", "between"), ("unbounded", "preceding"),
        ("unbounded", "following"), ("current", "row"), ("time", "zone"), ("at", "time"), ("similar", "to"),
        ("with", "ordinality"), ("within", "group"), ("ignore", "nulls"), ("respect", "nulls"), ("grouping", "sets"),
        ("do", "update"), ("do", "nothing"), ("update", "set"), ("conflict", "do"), ("rows", "unbounded"),
        ("range", "unbounded"), ("rows", "current"), ("range", "current"), ("default", "values"),
    }
)  # fmt: skip
_BEFORE_BRACKET = frozenset({"over", "filter", "exists", "lateral", "using", "values", "sets"})
"""Words that are keywords right before a parenthesis, with a space between."""


@dataclass(slots=True)
class _Cutter:
    """Makes pieces of tokens, one after the other."""

    text: str
    tokens: list[Token]
    recase: bool
    made: list[Piece] = field(default_factory=list)
    code: list[Piece] = field(default_factory=list)
    """The pieces that are no comments."""
    colons: ColonSense = field(default_factory=ColonSense)
    ranges: list[int] = field(default_factory=lambda: [0])
    cases: list[int] = field(default_factory=lambda: [0])
    brackets: list[int] = field(default_factory=list)
    """The numbers of the tokens that opened the brackets around the next one."""

    def run(self) -> list[Piece]:
        """Return all pieces."""
        end = number = 0
        while number < len(self.tokens):
            token = self.tokens[number]
            self._add(list(comments(self.text, end, token.start)))
            taken = self._take(number)
            end = self.tokens[number + taken - 1].end
            number += taken
        return in_order(self.made)

    def _add(self, pieces: list[Piece]) -> None:
        self.made += pieces
        self.code += [piece for piece in pieces if piece.role not in COMMENTS]

    def _take(self, number: int) -> int:
        """Add what begins with a token; return how many tokens that is."""
        token = self.tokens[number]
        if token.kind == "end" or token.word == ";":
            return 1
        if token.kind == "number" and is_percent(self.text, token.end):
            self._add([Piece(self._written(token) + "%", "value")])
            return 2
        if token.kind == "word":
            return self._take_word(number)
        written = self._written(token)
        if token.kind != "symbol":
            self._add([Piece(written, "value")])
            return 1
        pieces = self._parameter(number)
        if pieces:
            self._add([Piece("".join(map(self._written, self.tokens[number : number + pieces])), "value")])
            return pieces
        self._add([Piece(written, self._symbol(number))])
        return 1

    def _parameter(self, number: int) -> int:
        """Return how many tokens the parameter that begins here has; 0 where none does."""
        token = self.tokens[number]
        if self._behind_operand():
            return 0
        if token.word == "?":
            return 1
        wanted = {"$": "number", ":": "word"}.get(token.word)
        behind = self.tokens[number + 1] if number + 1 < len(self.tokens) else token
        return 2 if behind.kind == wanted and behind.start == token.end else 0

    def _written(self, token: Token) -> str:
        return self.text[token.start : token.end]

    # Symbols.

    def _symbol(self, number: int) -> Role:
        symbol = self.tokens[number].word
        colon = self.colons.role(symbol)
        behind_operand = self._behind_operand()
        match symbol:
            case "(" | "[" | "{":
                self.brackets.append(number)
                self.ranges.append(0)
                self.cases.append(0)
                follows = self.code[-1] if self.code else None
                called = behind_operand and symbol != "{"
                keyword = symbol == "[" and follows is not None and follows.text.lower() == "array"
                return "call" if called or keyword else "open"
            case ")" | "]" | "}":
                self.brackets.pop()
                self.ranges.pop()
                self.cases.pop()
                return "close"
            case ",":
                return "comma"
            case "." | "::":
                return "dot"
            case "?" | ":":
                return colon
            case "*" if not behind_operand:
                return "value"
            case "-" | "+" if not behind_operand:
                return "sign"
            case _:
                return "operator"

    def _behind_operand(self) -> bool:
        return bool(self.code) and self.code[-1].role in OPERANDS

    # Words.

    def _take_word(self, number: int) -> int:
        head = self._head(number)
        if head:
            words = self.tokens[number : number + head]
            self._add([Piece(" ".join(map(self._keyword, words)), "head")])
            for before, behind in pairwise(words):
                self._add(list(comments(self.text, before.end, behind.start)))
            return head
        token = self.tokens[number]
        role = self._word_role(number)
        is_name = role == "value" and (token.word not in _CONSTANTS or self._is_name(number))
        self._add([Piece(self._written(token) if is_name else self._keyword(token), role)])
        return 1

    def _keyword(self, token: Token) -> str:
        return token.word.upper() if self.recase or token.word in SQL_RESERVED else self._written(token)

    def _word(self, number: int) -> str:
        return self.tokens[number].word if 0 <= number < len(self.tokens) else ""

    def _head(self, number: int) -> int:
        """Return how many tokens the head of a clause has that begins here; 0 where none does."""
        phrases = [p for p in _HEADS if all(self._word(number + i) == word for i, word in enumerate(p))]
        if not phrases or self._is_name(number):
            return 0
        phrase = max(phrases, key=len)
        before = self._word(number - 1)
        first = number == 0 or (self.brackets and self.brackets[-1] == number - 1)
        word = phrase[0]
        if self.brackets and not self._is_query(self.brackets[-1]):
            return 0
        if word in _FIRST_ALONE and not first and not (word == "with" and before == ")"):
            explained = word in ("insert", "update", "delete", "with") and before in ("explain", "analyze")
            return len(phrase) if explained else 0
        if word == "from" and before == "distinct" and self._word(number - 2) in ("is", "not"):
            return 0
        if word == "set" and self._word(0) != "update" and self._word(0) != "explain":
            return 0
        if word in _ALSO_NAMES:
            behind = self._word(number + 1)
            fits = first or before == ")" or self._behind_operand() or self.code[-1].role == "value"
            return len(phrase) if fits and behind not in ("", ",", ".", "=", "from") else 0
        if word == "with" and self._word(number + 1) in ("ordinality", "time"):
            return 0
        return len(phrase)

    def _is_query(self, opening: int) -> bool:
        return self._word(opening + 1) in ("select", "with", "values")

    def _is_name(self, number: int) -> bool:
        """Tell whether a word cannot be a keyword: in a path, as an alias, as the key of an object."""
        key = self._word(number + 1) == ":" and bool(self.brackets) and self._word(self.brackets[-1]) == "{"
        return self._word(number - 1) in (".", "as") or self._word(number + 1) == "." or key

    def _word_role(self, number: int) -> Role:
        word, behind = self._word(number), self._word(number + 1)
        if self._is_name(number) or word in _CONSTANTS:
            return "value"
        if word in SQL_RESERVED:
            return self._reserved(word)
        if word == "end" and self.cases[-1] and self._behind_operand():
            self.cases[-1] -= 1
            return "end"
        phrase = (word, behind) in _PHRASES or (self._word(number - 1), word) in _PHRASES
        opens = behind == "(" and word in _BEFORE_BRACKET
        follows = self._behind_operand() and word in _BEHIND_OPERAND
        return "word" if phrase or opens or follows or self._is_literal_word(number) else "value"

    def _reserved(self, word: str) -> Role:
        match word:
            case "case":
                self.cases[-1] += 1
                return "case"
            case "when" | "else":
                return "when"
            case "between":
                self.ranges[-1] += 1
                return "word"
            case "and" if self.ranges[-1]:
                self.ranges[-1] -= 1
                return "word"
            case "and" | "or":
                return "and"
            case _:
                return "word"

    def _is_literal_word(self, number: int) -> bool:
        """``INTERVAL '1 day'``, ``ARRAY[1]``."""
        behind = self.tokens[number + 1]
        match self._word(number):
            case "interval":
                return behind.kind in ("number", "string") or behind.word == "-"
            case "array":
                return behind.word == "["
            case _:
                return False


def pieces(text: str, *, recase: bool = True) -> list[Piece]:
    """Return the pieces of a statement that can be parsed; words keep their case unless ``recase``."""
    return _Cutter(text, cut(text), recase).run()

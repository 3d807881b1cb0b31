"""What the printers of both languages share: expressions, and how strongly they bind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from btql_grammar import build, tree
from btql_grammar.quotes import double_quoted, name, single_quoted

CHOICE, OR, AND, NOT, COMPARISON, OTHER, SUM, PRODUCT, UNARY, ATOM = range(10)
"""How strongly a text binds, weakest first; OTHER are the operators that only SQL has."""

SIGNS: dict[tree.ComparisonOp, str] = {
    "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "nseq": "<=>", "nsne": "<!=>",
    "is": "is", "like": "like", "ilike": "ilike", "match": "match", "in": "in",
}  # fmt: skip
ARITHMETIC = {op: sign for sign, op in build.ARITHMETIC.items()}

Leveled = tuple[str, int]
"""A text and how strongly it binds."""


class ExpressionPrinter(ABC):
    """Prints expressions; a language says what is its own."""

    reserved: frozenset[str]
    """Words that need quotes at the beginning of a path."""

    def expression(self, node: tree.Expression, level: int = CHOICE) -> str:
        """Return ``node`` as text that may stand where ``level`` is expected."""
        text, own = self.leveled(node)
        return f"({text})" if own < level else text

    def list(self, nodes: Iterable[tree.Expression]) -> str:
        """Return the expressions with commas between them."""
        return ", ".join(self.expression(node) for node in nodes)

    def leveled(self, node: tree.Expression) -> Leveled:
        """Return the text of ``node`` and how strongly it binds."""
        match node:
            case tree.Literal():
                return self.literal(node)
            case tree.Array():
                return f"[{self.list(node.items)}]", ATOM
            case tree.Object():
                pairs = (f"{name(key)}: {self.expression(value)}" for key, value in node.items)
                return f"{{{', '.join(pairs)}}}", ATOM
            case tree.Interval():
                return self.word(f"interval {node.value} {node.unit}"), ATOM
            case tree.Identifier():
                return self.path(node.path), ATOM
            case tree.Comparison():
                return self.comparison(node.left, SIGNS[node.op], node.right), COMPARISON
            case tree.Boolean():
                own = OR if node.op == "or" else AND
                word = self.word(f" {node.op} ")
                return word.join(self.expression(child, own + 1) for child in node.children), own
            case tree.Parameter():
                return parameter(node), ATOM
            case tree.Not():
                return self.negated(node.expression)
            case tree.IsNull():
                test = self.word("is not null" if node.negated else "is null")
                return f"{self.expression(node.expression, OTHER)} {test}", COMPARISON
            case tree.Negative():
                text = self.expression(node.expression, UNARY)
                # Two minus signs in a row would begin a comment.
                return f"-({text})" if text.startswith("-") else f"-{text}", UNARY
            case tree.Arithmetic():
                own = SUM if node.op in ("add", "sub") else PRODUCT
                left, right = self.expression(node.left, own), self.expression(node.right, own + 1)
                return f"{left} {ARITHMETIC[node.op]} {right}", own
            case _:
                return self.special(node)

    @abstractmethod
    def special(self, node: tree.Expression) -> Leveled:
        """Return the text of a node that the languages spell differently, or that only one has."""

    @abstractmethod
    def word(self, word: str) -> str:
        """Return a keyword in the case of the language."""

    def comparison(self, left: tree.Expression, operator: str, right: tree.Expression) -> str:
        """Return ``left operator right``."""
        is_in = operator.endswith("in")
        operator = self.word(operator)
        if is_in and isinstance(right, tree.Array):
            return f"{self.expression(left, OTHER)} {operator} ({self.list(right.items)})"
        return f"{self.expression(left, OTHER)} {operator} {self.expression(right, ATOM if is_in else OTHER)}"

    def negated(self, inner: tree.Expression) -> Leveled:
        """Return NOT ``inner``, with the word inside the operator where it has a place there."""
        match inner:
            case tree.Comparison(op="is"):
                return self.comparison(inner.left, "is not", inner.right), COMPARISON
            case tree.Comparison(op="like" | "ilike" | "match" | "in"):
                return self.comparison(inner.left, f"not {inner.op}", inner.right), COMPARISON
            case _:
                return f"{self.word('not')} {self.expression(inner, NOT)}", NOT

    def literal(self, node: tree.Literal) -> Leveled:
        """Return null, a boolean, a number or a text."""
        value = node.value
        if value is None or isinstance(value, bool):
            return self.word("null" if value is None else str(value).lower()), ATOM
        if isinstance(value, str):
            return (double_quoted(value) if node.double_quoted else single_quoted(value)), ATOM
        text = repr(value)
        return text, UNARY if text.startswith("-") else ATOM

    def path(self, path: tuple[str | int, ...]) -> str:
        """Return a path; its first piece needs quotes where it is a word of the language."""
        first, *rest = path
        text = double_quoted(str(first)) if str(first).lower() in self.reserved else name(str(first))
        return text + "".join(f"[{piece}]" if isinstance(piece, int) else f".{name(piece)}" for piece in rest)


def parameter(node: tree.Parameter) -> str:
    """Return a parameter as both languages write it."""
    if node.key is None:
        return "?"
    return f"${node.key}" if isinstance(node.key, int) else f":{node.key}"


def count(query: tree.Query | tree.SetOperation, clause: tree.PageField) -> str:
    """Return the number of rows in a clause, or the parameter that stands for it; nothing where there is neither."""
    found = dict(query.counts).get(clause)
    if found is not None:
        return parameter(found)
    number = None if clause == "cursor" else getattr(query, clause)
    return "" if number is None else str(number)

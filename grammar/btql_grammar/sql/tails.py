"""What stands behind a query in our SQL dialect: ORDER BY, LIMIT, OFFSET, FETCH and SETTINGS."""

from __future__ import annotations

from dataclasses import dataclass, field

from btql_grammar import build, quotes, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.select import SelectParser


@dataclass(slots=True)
class Tail:
    """The clauses behind a query."""

    sort: tuple[tree.SortItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    cursor: str | None = None
    preview_length: int | None = None
    settings: tuple[tuple[str, tree.Scalar], ...] = ()
    settings_span: Span | None = None
    counts: dict[tree.PageField, tree.Parameter] = field(default_factory=dict[tree.PageField, tree.Parameter])

    def has(self, what: tree.PageField) -> bool:
        """Tell whether a clause was given already, with a number or a parameter."""
        return getattr(self, what) is not None or what in self.counts

    def cuts(self) -> bool:
        """Tell whether it takes a part of the rows."""
        return self.has("limit") or self.has("offset") or self.has("cursor")

    def empty(self) -> bool:
        """Tell whether there is nothing."""
        return not self.sort and not self.cuts() and self.settings_span is None


class TailParser(SelectParser):
    """Reads the clauses behind a query."""

    def read_tail(self) -> Tail:
        """Return the clauses that come next."""
        tail = Tail(sort=self.read_sort())
        while True:
            start = self.here()
            if self.at("limit") and not tail.has("limit"):
                self.step()
                tail.limit = self._limit(tail)
            elif self.at("offset") and not tail.has("offset") and tail.cursor is None:
                self.step()
                self._offset(tail)
            elif self.at("fetch") and self.ahead().word in ("first", "next") and not tail.has("limit"):
                tail.limit = self._fetch(tail)
            elif self.at("settings") and tail.settings_span is None and self.is_name(self.ahead()):
                self._settings(tail)
                tail.settings_span = self.since(start)
            elif self.at("for") and self.ahead().word in ("update", "share", "no", "key"):
                raise unsupported("locking rows", start, "remove it: every query sees one state of the data")
            else:
                return tail

    def _count(self, tail: Tail, name: tree.PageField, what: str, help_: str | None = None) -> int | None:
        """Return the number of rows that comes next; None where a parameter stands for it, which is noted."""
        parameter = self.read_parameter()
        # A text behind OFFSET is a cursor.
        number = self.read_count(what, help_, quoted=name == "limit") if parameter is None else None
        if self.at("::"):
            # Drivers say that it is a number, which is what it has to be anyway.
            self.step()
            if build.TYPES.get(self.read_type()[0]) not in ("integer", "number"):
                self.fail("a number of rows", help_)
        if self.token.word in build.ARITHMETIC:
            raise BtqlError.of(
                "B0109", f"{what} takes a whole number, nothing that is computed", self.here(), "an operator",
                help=f"write the number itself, or `{what} $1` and give its value beside the query",
            )  # fmt: skip
        if parameter is not None:
            tail.counts[name] = parameter
        return number

    def _limit(self, tail: Tail) -> int | None:
        if self.at("all", "null"):
            self.step()
            return None
        number = self._count(tail, "limit", "LIMIT")
        if self.at(","):
            way_out = f"write `LIMIT {self.text_of(self.ahead()) or 10} OFFSET {number}`"
            raise unsupported("LIMIT with a comma", self.here(), way_out)
        return number

    def _offset(self, tail: Tail) -> None:
        token = self.token
        if token.kind in ("string", "quoted"):
            self.step()
            tail.cursor = quotes.unquoted(self.text_of(token), token.start)
            return
        tail.offset = None if self.accept("null") else self._count(tail, "offset", "OFFSET")
        if self.at("row", "rows"):
            self.step()

    def _fetch(self, tail: Tail) -> int | None:
        self.step()
        self.step()
        help_ = "write `FETCH FIRST 10 ROWS ONLY`"
        number = 1 if self.at("row", "rows") else self._count(tail, "limit", "FETCH FIRST", help_)
        if not self.at("row", "rows"):
            self.fail("`ROWS ONLY`", "write `FETCH FIRST 10 ROWS ONLY`, or `LIMIT 10`")
        self.step()
        if self.at("with"):
            raise unsupported("WITH TIES", self.here(), "filter by rank() in a query around this one")
        self.require("only")
        return number

    def _settings(self, tail: Tail) -> None:
        self.step()
        known: dict[str, tree.Scalar] = {}
        while not known or self.accept(","):
            place = self.here()
            name = self.read_name("the name of a setting").lower()
            if name in known:
                raise BtqlError.of(
                    "B0104", f"setting `{name}` is given twice", place, "a second one", help="remove one"
                )
            self.require("=")
            start = self.here()
            known[name] = self._setting()
            if name == "preview_length":
                value = known[name]
                if type(value) is not int:
                    raise BtqlError.of(
                        "B0109", "preview_length takes a whole number", self.since(start), "not a whole number",
                        help="write -1 for whole values",
                    )  # fmt: skip
                tail.preview_length = build.preview_length(value, self.since(start))
        tail.settings = tuple((name, value) for name, value in known.items() if name != "preview_length")

    def _setting(self) -> tree.Scalar:
        token = self.token
        if token.kind == "word" and token.word not in ("null", "true", "false"):
            self.step()
            return self.text_of(token)
        value = self.read_unary()
        if not isinstance(value, tree.Literal):
            raise BtqlError.of(
                "B0109", "a setting takes a plain value", value.span, "not a plain value",
                help="write a number, a text in quotes, true or false",
            )  # fmt: skip
        return value.value

"""SELECT in our SQL dialect, from its list to HAVING and WINDOW.

What stands behind a whole query (ORDER BY, LIMIT, SETTINGS) is read in
:mod:`btql_grammar.sql.queries`, because it may stand behind a UNION too.
"""

from __future__ import annotations

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.grouping import GroupingParser
from btql_grammar.sql.named import NOT_ALIASES
from btql_grammar.sql.relations import Shaping
from btql_grammar.sql.row_calls import with_row_calls

_SAMPLERS = ("bernoulli", "system", "reservoir")


class SelectParser(GroupingParser):
    """Reads one SELECT."""

    def read_select(self) -> tree.Query:
        """Return the SELECT that comes next."""
        start = self.require("select").span
        distinct, distinct_on = self._distinct()
        if self.at("top") and self.ahead().kind == "number":
            raise unsupported("TOP", self.here(), f"write `LIMIT {self.text_of(self.ahead())}` at the end of the query")
        select = [self._item()]
        while self.accept(","):
            select.append(self._item())
        if self.at("into"):
            raise unsupported("SELECT … INTO", self.here(), "write `INSERT INTO project_logs('name') SELECT ...`")
        shaping = Shaping()
        source = self.read_from(shaping)
        self.read_shaping(shaping)
        filter_ = self.read_expression() if self.accept("where") else None
        dimensions, grouping_sets = self.read_group()
        self.read_shaping(shaping)
        final_filter = self.read_expression() if self.accept("having") else None
        windows = self._windows()
        if self.at("qualify"):
            way_out = "compute the window in a subquery, and filter around it: `SELECT * FROM (SELECT ...) WHERE ...`"
            raise unsupported("QUALIFY", self.here(), way_out)
        self.read_shaping(shaping)
        query = tree.Query(
            select=tuple(select), dimensions=dimensions, source=source, filter=filter_, final_filter=final_filter,
            distinct=distinct, span=self.since(start), language="sql", pivot=shaping.pivot, unpivot=shaping.unpivot,
            sample=shaping.sample, windows=windows, distinct_on=distinct_on, grouping_sets=grouping_sets,
        )  # fmt: skip
        return query if shaping else with_row_calls(query)

    def _distinct(self) -> tuple[bool, tuple[tree.Expression, ...]]:
        if self.accept("distinct", "on"):
            self.require("(")
            expressions = self.read_list(")")
            self.require(")")
            return False, tuple(expressions)
        if self.accept("distinct"):
            return True, ()
        self.skip_all()
        return False, ()

    def _item(self) -> tree.Item | tree.Star:
        start = self.here()
        if self.at("*"):
            self.step()
            return self._star(tree.Star(span=start))
        if self.ahead().word == "." and self.ahead(2).word == "*" and self.is_name(self.token):
            return self._star(self.read_table_star())
        expression = self.read_expression()
        alias: str | None = None
        if self.accept("as") or (self.is_name(self.token) and self.word not in NOT_ALIASES):
            alias = self.read_name()
        return tree.Item(expression, alias, span=self.since(start))

    def _star(self, star: tree.Star) -> tree.Star:
        """Return ``star`` with the EXCLUDE and REPLACE that follow it."""
        exclude: tuple[str, ...] = ()
        replaced: list[tuple[str, tree.Expression]] = []
        while True:
            if self.ahead().word == "(" and (self.at("exclude") or (self.at("except") and not self.is_query(2))):
                self.step()
                exclude += self.read_names()
            elif self.at("exclude") and self.is_name(self.ahead()):
                self.step()
                exclude += (self.read_name(),)
            elif self.at("replace") and self.ahead().word == "(":
                self.step()
                replaced += self._replacements()
            else:
                break
        if self.at("rename") and self.ahead().word == "(":
            raise unsupported("RENAME behind `*`", self.here(), "name the columns one by one, with AS")
        return tree.Star(table=star.table, exclude=exclude, replace=tuple(replaced), span=self.since(star.span))

    def _replacements(self) -> list[tuple[str, tree.Expression]]:
        self.require("(")
        made: list[tuple[str, tree.Expression]] = []
        while not made or self.accept(","):
            expression = self.read_expression()
            if not self.accept("as"):
                self.fail("`AS` and a name", "write `* REPLACE (upper(a) AS a)`")
            made.append((self.read_name(), expression))
        self.require(")")
        return made

    def _windows(self) -> tuple[tuple[str, tree.Window], ...]:
        if not self.at("window"):
            return ()
        self.step()
        made: list[tuple[str, tree.Window]] = []
        while not made or self.accept(","):
            place = self.here()
            name = self.read_name()
            if any(name == known for known, _ in made):
                raise BtqlError.of(
                    "B0109", f"two windows are called `{name}`", place, "called so again", help="give it another name"
                )
            self.require("as")
            if not self.at("("):
                self.fail("`(`", f"write `WINDOW {name} AS (PARTITION BY ...)`")
            made.append((name, self.read_window()))
        return tuple(made)

    def read_shaping(self, found: Shaping) -> None:
        """Add the TABLESAMPLE, PIVOT and UNPIVOT that come next to ``found``."""
        while True:
            place, after = self.here(), self.ahead()
            if self.at("tablesample") and (after.word == "(" or after.kind in ("word", "number")):
                again = found.sample is not None
                found.sample = self._sample()
            elif self.at("pivot") and after.word == "(":
                again = found.pivot is not None
                found.pivot = self._pivot()
            elif self.at("unpivot") and after.word == "(":
                again = False
                found.unpivot += (self._unpivot(),)
            else:
                return
            if again:
                what = self.sql[place.start : place.end].upper()
                raise BtqlError.of(
                    "B0104", f"{what} stands twice in one query", place, "a second one", help="remove one"
                )

    def _sample(self) -> tree.Sample:
        start = self.step().span
        method = self.step().word if self.at(*_SAMPLERS) else None
        bracket = self.accept("(")
        if self.token.kind != "number":
            self.fail("a number", "write `TABLESAMPLE (25 PERCENT)` or `TABLESAMPLE (100 ROWS)`")
        number = self.step()
        text = self.text_of(number)
        if self.accept("rows"):
            if not text.isdigit():
                help_ = "write `TABLESAMPLE (100 ROWS)`"
                raise BtqlError.of(
                    "B0109", "rows are counted in whole numbers", number.span, "not a whole number", help=help_
                )
            rate, count = None, build.count(text, "sample", number.span)
        elif self.accept("percent") or self.accept("%") or method is not None:
            value = build.number(text, number.span).value
            assert isinstance(value, int | float)
            rate, count = _hundredth(text) if value <= 100 else 2.0, None
        else:
            self.fail("`PERCENT` or `ROWS`", "write `TABLESAMPLE (25 PERCENT)` or `TABLESAMPLE (100 ROWS)`")
        if bracket:
            self.require(")")
        seed: int | None = None
        if self.accept("repeatable") or self.accept("seed"):
            self.require("(")
            sign = -1 if self.accept("-") else 1
            seed = sign * self.read_count("the seed", "write `REPEATABLE (42)`")
            self.require(")")
        return build.sample(rate, count, seed, self.since(start))

    def _pivot(self) -> tree.Pivot:
        start = self.step().span
        self.require("(")
        measures = [self._measure()]
        while self.accept(","):
            measures.append(self._measure())
        if not self.accept("for"):
            self.fail("`FOR` and the column whose values become columns", "write `PIVOT (count(*) FOR name IN (ANY))`")
        column = self.read_factor()
        self.require("in", "(")
        if not self.accept("any") or not self.at(")"):
            raise unsupported(
                "PIVOT over a list of values", self.previous().span, "write `IN (ANY)`, and filter before"
            )
        self.step()
        self.require(")")
        return tree.Pivot(tuple(measures), column, span=self.since(start))

    def _measure(self) -> tree.Item:
        expression = self.read_expression()
        alias: str | None = None
        if self.accept("as") or (self.is_name(self.token) and self.word not in NOT_ALIASES):
            alias = self.read_name()
        return tree.Item(expression, alias, span=self.since(expression.span))

    def _unpivot(self) -> tree.UnpivotItem:
        start = self.step().span
        self.require("(")
        value = self.read_name()
        if not self.accept("for"):
            self.fail("`FOR`", "write `UNPIVOT (value FOR key IN (scores))`, or `UNPIVOT (tag FOR _ IN (tags))`")
        elements = self.at("_")
        key = self.read_name()
        self.require("in", "(")
        expression = self.read_expression()
        if self.at(","):
            raise unsupported("UNPIVOT over several columns", self.here(), "unpivot one object: `IN (scores)`")
        self.require(")", ")")
        names = (value,) if elements else (key, value)
        return tree.UnpivotItem(expression, names, span=self.since(start))


def _hundredth(text: str) -> float:
    """Return the number in ``text`` divided by 100, without a rounding on the way."""
    from decimal import Decimal  # Few queries have a sample.

    return float(Decimal(text).scaleb(-2))

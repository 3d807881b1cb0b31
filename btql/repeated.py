"""What need not be done again: reading a text that was read before, and asking what has only one answer.

Drivers, pools and dashboards send the same few texts all day, and most of all ``SELECT 1``. A tree depends on nothing
but its text. An answer is kept where the statement reads no object and calls no function: it has been computed by the
engine once, like any other, and cannot change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from btql.result import Result
from btql_grammar import tree
from btql_grammar.depth import Node, children
from btql_grammar.parser import parse
from btql_storage.cache_budget import Cache

if TYPE_CHECKING:
    import pyarrow as pa

    from btql.execution.infer import JsonSchema
    from btql.execution.stop import Stop
    from btql_planner.engine_plan import OutputColumn
    from btql_planner.options import QueryOptions
    from btql_storage.cache_budget import CacheBudget

_KEPT_MAX = 256
CHARACTERS_MAX = 2_000
"""Longer texts are read each time."""
_CONSTANT = (
    tree.Query,
    tree.Item,
    tree.Literal,
    tree.Negative,
    tree.Arithmetic,
    tree.Comparison,
    tree.Boolean,
    tree.Not,
    tree.IsNull,
)
"""Nodes that say no more than what their parts say. Casts are not among them: a text may be cast to the time it is."""


def parsed(text: str) -> tree.Statement:
    """Return the tree of a text."""
    return _parsed(text) if len(text) <= CHARACTERS_MAX else parse(text)


_parsed = lru_cache(_KEPT_MAX)(parse)


def has_one_answer(statement: tree.Statement) -> bool:
    """Whether a statement has the same answer whenever it is asked."""
    if not isinstance(statement, tree.Query) or statement.source is not None:
        return False
    waiting: list[Node] = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _CONSTANT):
            return False
        waiting.extend(children(node))
    return True


class KeptAnswer:
    """An answer with all its rows."""

    def __init__(self, result: Result) -> None:
        self._outputs = result.outputs
        self._batches = tuple(result.engine_batches())
        self._warnings = result.warnings
        self._lints = result.lints
        self._default_limit = result.default_limit
        self.size = sum(batch.nbytes for batch in self._batches)

    def result(self, stop: Stop | None) -> Result:
        """Return the answer once more."""
        result = Result(self, self._warnings, self._lints, stop)
        result.default_limit = self._default_limit
        return result

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        return False

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the columns."""
        return self._outputs

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        yield from self._batches

    def cursor(self) -> str | None:
        """Return no token: there is no next page."""
        return None

    def inferred(self) -> JsonSchema | None:
        """Return no schema: it was not asked for."""
        return None


class KeptAnswers:
    """The answers that were kept last, within the bytes that all caches may have."""

    def __init__(self, budget: CacheBudget) -> None:
        self._answers: Cache[tuple[str, QueryOptions | None], KeptAnswer] = Cache("answers", budget, _KEPT_MAX)

    def get(self, text: str, options: QueryOptions | None) -> KeptAnswer | None:
        """Return the answer to a text; None where it is not known."""
        return self._answers.get((text, options)) if len(text) <= CHARACTERS_MAX else None

    def keep(self, text: str, options: QueryOptions | None, answer: KeptAnswer) -> None:
        """Keep an answer."""
        if len(text) <= CHARACTERS_MAX:
            self._answers.keep((text, options), answer, answer.size)

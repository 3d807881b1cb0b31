"""How statements of SQLAlchemy are written: as for PostgreSQL, with what differs here."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS, PGCompiler, PGIdentifierPreparer
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.operators import custom_op

from btql_grammar.sql_cursor import SQL_RESERVED


class BtqlCompiler(PGCompiler):
    """Writes SELECT, INSERT, UPDATE and DELETE."""

    def visit_custom_op_binary(
        self,
        element: BinaryExpression[Any],
        operator: custom_op[Any],
        **keywords: Any,  # noqa: ANN401
    ) -> str:
        """Return an operation of PostgreSQL that SQLAlchemy has no name for: arrays with a value in common."""
        if operator.opstring == "&&":
            return str(self._generate_generic_binary(element, " ?| ", **keywords))
        return str(super().visit_custom_op_binary(element, operator, **keywords))  # type: ignore[no-untyped-call]


class BtqlIdentifierPreparer(PGIdentifierPreparer):
    """Puts names in quotes where that is necessary."""

    reserved_words = RESERVED_WORDS | {word.lower() for word in SQL_RESERVED}

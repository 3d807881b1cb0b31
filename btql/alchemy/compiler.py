"""How statements of SQLAlchemy are written: as for PostgreSQL, with what differs here."""

from __future__ import annotations

from copy import copy
from typing import Any

from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS, PGCompiler, PGIdentifierPreparer
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.operators import custom_op

from btql_grammar.sql.cursor import SQL_RESERVED


class BtqlCompiler(PGCompiler):
    """Writes SELECT, INSERT, UPDATE and DELETE."""

    def visit_json_path_getitem_op_binary(
        self,
        binary: BinaryExpression[Any],
        operator: object,
        _cast_applied: bool = False,  # noqa: FBT001, FBT002  as the base class has it
        **keywords: Any,  # noqa: ANN401
    ) -> str:
        """Return what a path leads to."""
        written = super().visit_json_path_getitem_op_binary
        return str(written(_with_path_in_text(binary), operator, _cast_applied=_cast_applied, **keywords))  # type: ignore[no-untyped-call]

    def visit_custom_op_binary(
        self,
        element: BinaryExpression[Any],
        operator: custom_op[Any],
        **keywords: Any,  # noqa: ANN401
    ) -> str:
        """Return an operation that SQLAlchemy has no name for."""
        if operator.opstring == "&&":
            # Arrays with a value in common.
            return str(self._generate_generic_binary(element, " ?| ", **keywords))
        if operator.opstring == "#>>":
            element = _with_path_in_text(element)
        return str(super().visit_custom_op_binary(element, operator, **keywords))  # type: ignore[no-untyped-call]


def _with_path_in_text(binary: BinaryExpression[Any]) -> BinaryExpression[Any]:
    """Return an operation with the keys of its path in the text: the plan, and so the columns, depend on them."""
    if isinstance(binary.right, BindParameter):
        binary = copy(binary)
        binary.right = binary.right.render_literal_execute()
    return binary


class BtqlIdentifierPreparer(PGIdentifierPreparer):
    """Puts names in quotes where that is necessary."""

    reserved_words = RESERVED_WORDS | {word.lower() for word in SQL_RESERVED}

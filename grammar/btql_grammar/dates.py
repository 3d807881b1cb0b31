"""Days that are added to dates and taken from them, as Postgres writes it: ``current_date - 7``.

There are no dates of their own here, only times. What is a date in Postgres is told from how it is written, and the
whole number beside it becomes an interval, which a time goes with.
"""

from __future__ import annotations

from btql_grammar import build, tree

_FUNCTIONS = ("current_date", "date", "to_date", "make_date")


def moved_by_days(
    op: tree.ArithmeticOp, left: tree.Expression, right: tree.Expression
) -> tuple[tree.Expression, tree.Expression]:
    """Return the operands with a whole number beside a date as so many days."""
    if op in ("add", "sub") and is_date(left):
        return left, _as_days(right)
    if op == "add" and is_date(right):
        return _as_days(left), right
    return left, right


def is_date(node: tree.Expression) -> bool:
    """Whether an expression would be a date in Postgres."""
    match node:
        case tree.Cast(type_name="date"):
            return True
        case tree.Call(name=name):
            return name in _FUNCTIONS
        case tree.Identifier(path=(str(name),)):
            return name.lower() == "current_date"
        case tree.Arithmetic(op="add" | "sub", left=left, right=tree.Interval(unit="day")):
            return is_date(left)
        case _:
            return False


def _as_days(node: tree.Expression) -> tree.Expression:
    if isinstance(node, tree.Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return build.interval(node.value, "day", node.span, node.span)
    return node

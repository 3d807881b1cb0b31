"""Types in trees: the names that Postgres has for them."""

from __future__ import annotations

from sqlglot import exp

_ARRAY = "[]"


def type_name(to: exp.Expr | None) -> str:
    """Return the name of the type of a cast, in lower case, ``text[]`` for arrays."""
    if isinstance(to, exp.DataType):
        if to.is_type("array"):
            (inner,) = to.expressions or [None]
            return type_name(inner) + _ARRAY
        if to.this is exp.DType.CHAR:
            # `"char"`, with quotes, is another type.
            return "bpchar"
        if to.this is exp.DType.USERDEFINED:
            kind = to.args.get("kind")
            return str(kind.name if isinstance(kind, exp.Expr) else kind).lower().split(".")[-1]
        return str(to.this.value if isinstance(to.this, exp.DType) else to.this).lower()
    return "" if to is None else str(to.this).lower()

"""What is said of names that belong to nothing, or to several things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.elsewhere import COMPUTED
from btql_planner.explain_expression import path_text
from btql_planner.expressions import Constant

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames
    from btql_planner.binding.scope import Scope


def unknown(scope: Scope, name: str, span: Span, relations: Sequence[RelationNames]) -> Constant:
    """Return null for a name that nothing has, with a warning; raise where no row can have it."""
    known = [*(each for relation in relations for each in relation.top_level), *scope.aliases]
    nested = {key: path for relation in reversed(relations) for key, path in relation.nested_keys().items()}
    close = errors.close_to(name, dict.fromkeys([*known, *sorted(nested)]))
    if relations and all(relation.closed for relation in relations):
        listed = ", ".join(f"`{each}`" for each in dict.fromkeys(known))
        raise BtqlError.of(
            errors.UNKNOWN_NAME, f"there is no column `{name}`", span, "not found",
            help=f"did you mean `{close}`?" if close else f"the columns here are {listed}",
        )  # fmt: skip
    if not relations and scope.around.captures is None:
        raise BtqlError.of(
            errors.NO_SOURCE, f"`{name}` needs rows from somewhere", span, "no source",
            help="add `FROM project_logs('name')`, in BTQL `from: project_logs('name')`",
        )  # fmt: skip
    meant = path_text(nested[close]) if close in nested and close not in known else close
    hint = f", did you mean `{meant}`?" if meant else ""
    if name.lower() in COMPUTED:
        hint = f", write `{COMPUTED[name.lower()]}`"
    scope.context.warn(f"no row has a field `{name}`, it is null everywhere{hint}")
    return Constant(None, None, span=span)


def of_several(name: str, span: Span, relations: Sequence[RelationNames]) -> BtqlError:
    """Return the error of a name that several relations have."""
    named = [f"{each.alias}.{name}" for each in relations if each.alias]
    return BtqlError.of(
        errors.AMBIGUOUS_NAME, f"`{name}` is ambiguous: {len(relations)} relations have it", span, "which one?",
        help=f"write {' or '.join(f'`{each}`' for each in named)}" if named else "give the relations aliases",
    )  # fmt: skip


def of_two_paths(name: str, span: Span) -> BtqlError:
    """Return the error of an implicit alias that two selected paths have."""
    message = f"`{name}` is ambiguous: two selected paths end in it"
    return BtqlError.of(
        errors.AMBIGUOUS_NAME, message, span, "which one?", help="write the whole path, or give aliases"
    )

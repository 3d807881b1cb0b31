"""The page of functions in the documentation, made from the declarations."""

from __future__ import annotations

from btql_planner.functions import functions
from btql_planner.functions.registry import Function

_HEAD = """# Functions

Made from the declarations in `planner/btql_planner/functions`; `pytest tests/planner --update` writes it anew.
Both languages have the same functions. `search(words)` looks for a phrase in `input`, `output`, `expected`,
`metadata` and `span_attributes`.
"""


def functions_page() -> str:
    """Return the page as Markdown."""
    known = sorted((f for f in functions().values() if not f.hidden), key=lambda function: function.name)
    pages = [_HEAD]
    for heading, aggregate in (("Scalar functions", False), ("Aggregates", True)):
        pages.append(f"## {heading}\n")
        pages += [_entry(function) for function in known if function.aggregate is aggregate]
    return "\n".join(pages)


def _entry(function: Function) -> str:
    prose, _, example = function.documentation.partition(">>>")
    return f"### `{function.signature}`\n\n{prose.strip()}\n\n```\n>>>{example.rstrip()}\n```\n"

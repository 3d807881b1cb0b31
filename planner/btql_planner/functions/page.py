"""The page of functions in the documentation, made from the declarations."""

from __future__ import annotations

import inspect
from importlib import import_module

from btql_planner.functions import functions
from btql_planner.functions.function import Function

_TOPICS = {
    "aggregate": "Aggregates",
    "statistics": "Statistics",
    "collect": "Gathering values",
    "search": "Searching",
    "text": "Text",
    "joining": "Joining and quoting texts",
    "patterns": "Regular expressions and likeness",
    "encoding": "Digests and encodings",
    "time": "Time",
    "time_parts": "Parts of a time",
    "maths": "Numbers",
    "dynamic": "Values of any kind",
    "casts": "Casts",
    "json": "JSON",
    "arrays": "Arrays",
    "objects": "Objects",
    "cost": "Cost",
    "system": "System",
}
"""The modules of declarations, in the order of the page."""

_HEAD = """# Functions

Made from the declarations in `planner/btql_planner/functions`; `pytest tests/planner --update` writes it anew.
Both languages have the same functions. Names may be in any case. An argument in square brackets may be left out.

Null in, null out, where nothing else is said. A value that is of a kind the function does not take gives null where
documents hold it, and an error where the query itself says it. [Dynamic values](dynamic-values.md) tells how values of
different kinds go together.
"""


def functions_page() -> str:
    """Return the page as Markdown."""
    known = sorted((f for f in functions().values() if not f.hidden), key=lambda function: function.name)
    assert {function.topic for function in known} <= _TOPICS.keys(), "every module with functions has a heading"
    pages = [_HEAD, *(f"- [{title}](#{_anchor(title)})" for title in _TOPICS.values()), ""]
    for topic, title in _TOPICS.items():
        module = import_module(f"btql_planner.functions.{topic}")
        pages.append(f"## {title}\n\n{_prose(module.__doc__ or '')}\n")
        own = [function for function in known if function.topic == topic]
        aliases = {function.name: function.alias_of for function in own if function.alias_of}
        pages += [
            _entry(function, [name for name, other in aliases.items() if other == function.name])
            for function in own
            if function.alias_of is None
        ]
    return "\n".join(pages)


def _entry(function: Function, aliases: list[str]) -> str:
    prose, _, example = function.documentation.partition(">>>")
    also = f"\n\nAlso {', '.join(f'`{name}`' for name in aliases)}." if aliases else ""
    return f"### `{function.signature}`\n\n{_prose(prose)}{also}\n\n```\n>>>{example.rstrip()}\n```\n"


def _prose(text: str) -> str:
    """Return a docstring as Markdown: what is between two backticks, between one."""
    return inspect.cleandoc(text).strip().replace("``", "`")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")

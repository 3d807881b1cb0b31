"""What the command line says about an answer besides its rows: its schema, and how to get the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.cli.console import note
from btql.cli.output import output

if TYPE_CHECKING:
    from pathlib import Path

    from btql.execution.infer import JsonSchema
    from btql.result import Result


def note_next_page(result: Result) -> None:
    """Say how to ask for the next page where there may be one."""
    if result.exhausted and result.cursor is not None:
        note(f"next page: --cursor {result.cursor}")


def write_schema(schema: JsonSchema, path: Path | None) -> None:
    """Write the schema that a query with ``infer`` asks for."""
    import json

    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    with output(path) as stream:
        stream.write(text.encode())

"""What the shell can complete and describe, asked of the connection and of the function registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql.connection import Connection


class ConnectionVocabulary:
    """The words of one open database. What cannot be asked is empty: completion never fails."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._functions: list[str] = []

    def objects(self) -> Sequence[str]:
        """Return the objects as ``kind:name``."""
        return self._connection.objects()

    def paths(self, name: str) -> Sequence[tuple[str, ...]]:
        """Return the field paths of an object, none for one that is not there."""
        return self._connection.paths(name) if name in self._connection.objects() else []

    def functions(self) -> Sequence[str]:
        """Return the names of all functions; they cannot change."""
        if not self._functions:
            import btql

            self._functions = [signature.partition("(")[0] for signature in btql.functions()]
        return self._functions


def describe(name: str) -> str | None:
    """Return what a function does, with its signature, or None where there is none."""
    from btql_planner.functions import functions

    function = functions().get(name)
    if function is None or function.hidden:
        return None
    return f"{function.signature}\n\n{function.documentation.strip()}"

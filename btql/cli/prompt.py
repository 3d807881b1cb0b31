"""The prompt itself: Prompt Toolkit with our completer, lexer, keys and history file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.lexers import PygmentsLexer

from btql.cli.complete import BtqlCompleter, Vocabulary
from btql.cli.lexer import BtqlLexer
from btql.cli.repl import Loop, ends

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

_PROMPT = "btql> "
_MORE = "    | "


class Prompt:
    """Reads statements from the terminal and hands them to the loop."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._completer = BtqlCompleter(vocabulary)
        self._session: PromptSession[str] = PromptSession(
            message=_PROMPT,
            prompt_continuation=_MORE,
            multiline=True,
            history=_history(),
            completer=self._completer,
            complete_while_typing=False,
            lexer=PygmentsLexer(BtqlLexer),
            key_bindings=_keys(),
        )

    def run(self, loop: Loop) -> None:
        """Read and run statements until the user leaves."""
        while not loop.done:
            try:
                text = self._session.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            loop.run(text)
            self._completer.forget()


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER) & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """Run the text where it is complete, else begin a new line."""
        buffer = event.current_buffer
        if buffer.document.is_cursor_at_the_end and ends(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def _history() -> History:
    """Keep the history in a file; where there is no place for one, in memory."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = state / "btql"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "history"
        file.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)

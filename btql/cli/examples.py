"""Examples under a command's help, one command a line."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """Return the commands as the text that Typer prints below a help page."""
    # Typer joins lines and keeps paragraphs apart, so each command is a paragraph.
    return "\n\n".join(["Examples:" if len(commands) > 1 else "Example:", *commands])

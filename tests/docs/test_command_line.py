"""docs/command-line.md names every command and every option."""

from pathlib import Path

import typer.main

from btql.cli.app import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")


def commands(command, name):
    """Yield every command that does something, with its name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for each, child in children.items():
        yield from commands(child, f"{name} {each}")


def test_every_command_and_option_is_there():
    found = dict(commands(typer.main.get_command(app), "btql"))
    assert len(found) > 20
    missing = [name for name in found if f"`{name}" not in PAGE]
    for name, command in found.items():
        options = [
            one for one in command.params if one.param_type_name == "option" and not getattr(one, "hidden", False)
        ]
        spellings = [each for one in options for each in (*one.opts, *one.secondary_opts)]
        missing += [f"{name} {each}" for each in spellings if f"{each}`" not in PAGE and f"{each} " not in PAGE]

    assert missing == []

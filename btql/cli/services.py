"""``btql check --services``: what of a database's services can be reached, and what is allowed there."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import typer

from btql.cli import units
from btql.cli.console import EXIT_WRONG, note

if TYPE_CHECKING:
    from btql_storage.trial.tried import Tried


def check_services(database: str, *, as_json: bool) -> None:
    """Try all services of a database, and say how that went; the exit code is 1 where something does not work."""
    from btql_storage.opening.location import locate
    from btql_storage.trial.services import try_services

    found = try_services(locate(database))
    typer.echo(_json(found) if as_json else _text(found))
    problems = [one for one in found if one.problem is not None]
    if problems:
        note(f"{len(problems)} of {units.plural(len(found), 'thing')} tried failed")
        raise SystemExit(EXIT_WRONG)


def _text(found: list[Tried]) -> str:
    lines: list[str] = []
    for (service, place), tried in groupby(found, lambda one: (one.service, one.place)):
        lines.append(f"{service}: {place}")
        lines += [_line(one) for one in tried]
    return "\n".join(lines)


def _line(one: Tried) -> str:
    end = one.problem or ", ".join(filter(None, (one.remark, units.duration(one.seconds))))
    return f"  {'ok' if one.problem is None else 'FAILED':6}  {one.what}: {end}"


def _json(found: list[Tried]) -> str:
    import orjson

    return "\n".join(orjson.dumps(one).decode() for one in found)

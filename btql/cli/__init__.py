"""The command line: ``btql generate | ingest | query | explain | compact | status | shell``.

Start reading at ``app.py``. Each command has a module of its own that holds its
arguments, its help and little else; what they share is in ``console.py`` (errors,
progress), ``inputs.py`` (reading NDJSON), ``formats.py`` (writing results) and
``units.py``. Modules import the engine, Arrow and Rich inside functions: a short
query should spend its time on the answer and not on start-up (docs/adr/0005).
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on ``sys.argv``; this is the console script ``btql``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # While modules are imported there is nothing to tidy up, and nobody to catch what Python would raise.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from btql.cli.start import prepare, prepare_for_a_query

    prepare()
    if sys.argv[1:2] == ["query"]:
        prepare_for_a_query()
    from btql.cli.plain import question

    asked = question(sys.argv[1:])
    if asked is None:
        from btql.cli.app import run

        run(sys.argv[1:])
    from btql.cli.late_methods import make_methods_late
    from btql.cli.late_patterns import compile_patterns_late

    make_methods_late()
    compile_patterns_late()
    from btql.cli.console import guarded
    from btql.cli.query import query

    code: object = 0
    try:
        guarded(query)(*asked)
    except SystemExit as ended:
        code = ended.code
    # All is written and closed. Taking the interpreter apart would take as long as the query, and threads of the
    # engine may still be at work.
    os._exit(code if isinstance(code, int) else 0)

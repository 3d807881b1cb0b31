"""The commands ``%btql`` and ``%%btql``.

Parameters of a query, ``:name``, get the values of the notebook's variables, bound as values and never pasted; so
IPython's own ``{x}`` and ``$x`` are left alone, which are texts of the query here. A mistake ends the cell and is
drawn over the query, without the way that Python took to it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from btql.arguments import options_of
from btql.connection import Connection, connect
from btql.dbapi.parameters import checked
from btql.errors import Error, InterfaceError
from btql.notebook.display import Answer
from btql.notebook.options import USAGE, Options, read_options
from btql.remote.address import is_address
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parameters import parameters_of
from btql_grammar.parser import parse
from btql_storage.addresses import shown
from btql_storage.opening.location import is_elsewhere

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Names = Mapping[str, object]


@magics_class
class BtqlMagics(Magics):
    """The commands, and the connections that they have made."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._opened: dict[str, Connection] = {}
        self._connection: Connection | None = None
        self._place = ""

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def btql(self, line: str, cell: str | None = None, local_ns: Names | None = None) -> object:
        """Connect, or run a query; ``%btql --help`` says how."""
        try:
            return self._run(line, cell, {**self._variables(), **(local_ns or {})})
        except Error as error:
            text = str(error)
            lines = (text if text.startswith("error[") else f"error: {text}").splitlines()
            # IPython asks an error how it wants to be shown.
            error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
            raise

    def close(self) -> None:
        """Close the connections that were made here."""
        for connection in self._opened.values():
            connection.close()
        self._opened.clear()
        self._connection = None

    def _run(self, line: str, cell: str | None, names: Names) -> object:
        options = read_options(line)
        if options.help:
            print(USAGE)
            return None
        if options.connect is not None:
            self._connect(options.connect, names)
        if cell is None and _is_place(options.rest, names):
            self._connect(options.rest, names)
            options.rest = ""
        query = "\n".join(part for part in (options.rest, cell) if part and part.strip())
        if query:
            return self._ask(query, options, names)
        self._show_connection()
        return None

    def _connect(self, place: str, names: Names) -> None:
        held = names.get(place)
        if isinstance(held, Connection):
            self._connection, self._place = held, f"variable `{place}`"
            return
        found = self._opened.get(place)
        if found is None or found.closed:
            is_path = not is_address(place) and not is_elsewhere(place)
            found = connect(str(Path(place).expanduser()) if is_path else place, create=False)
            self._opened[place] = found
        self._connection, self._place = found, _without_key(place)

    def _open(self) -> Connection:
        if self._connection is None:
            raise InterfaceError(f"there is no connection: say which database first\n\n{USAGE}")
        return self._connection

    def _show_connection(self) -> None:
        tables = self._open().tables()
        print(f"connected to {self._place}: {len(tables)} table{'' if len(tables) == 1 else 's'}")
        for table in tables[:20]:
            print(f"  {table.schema}('{table.name}')")
        if len(tables) > 20:
            print(f"  and {len(tables) - 20:,} more")

    def _ask(self, query: str, options: Options, names: Names) -> object:
        connection = self._open()
        given = options_of(tz_offset=0, version=None, lint="off", default_limit=options.limit, cursor=None)
        stop = connection.new_stop(options.timeout)
        try:
            result = connection.run(query, _values(query, names), given, stop)
            table = result.arrow()
        except BaseException:
            # The notebook's stop button ends the query, too.
            stop.cancel()
            raise
        for warning in result.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if result.rows_written is not None:
            print(f"{result.rows_written:,} row{'' if result.rows_written == 1 else 's'} written")
            return None
        answer: Any = Answer(table, result.warnings)
        if options.form is not None:
            answer = {"pandas": answer.to_pandas, "polars": answer.to_polars, "arrow": lambda: table}[options.form]()
        if options.name is not None:
            self._variables()[options.name] = answer
        return None if options.silent else answer

    def _variables(self) -> dict[str, object]:
        return cast("dict[str, object]", cast("InteractiveShell", self.shell).user_ns)


def _is_place(text: str, names: Names) -> bool:
    """Return whether a line is where to connect and no query."""
    if is_address(text) or is_elsewhere(text) or isinstance(names.get(text), Connection):
        return True
    return text != "" and (Path(text).expanduser() / "btql.json").exists()


def _without_key(place: str) -> str:
    """Return an address without the key or password in it, as notebooks are passed on."""
    if is_elsewhere(place):
        return shown(place)
    scheme, found, rest = place.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else place


def _values(query: str, names: Names) -> dict[str, object] | None:
    """Return the values of a query's parameters: those of variables with their names."""
    try:
        keys = list(dict.fromkeys(parameters_of(parse(query)).values()))
    except BtqlError:
        # What is wrong with it is drawn by whoever runs it.
        return None
    if not keys:
        return None
    for key in keys:
        if not isinstance(key, str):
            raise InterfaceError(
                "a query in a notebook has parameters with names: write `:name` for the variable `name`"
            )
        if key not in names:
            raise InterfaceError(f"the parameter `:{key}` has no value: there is no variable `{key}` in the notebook")
    return cast("dict[str, object]", checked({str(key): _plain(names[str(key)]) for key in keys}))


def _plain(value: object) -> object:
    """Return a series of pandas or polars as a list, and anything else as it is."""
    listed = getattr(value, "to_list", None)
    return listed() if callable(listed) else value


def load(shell: InteractiveShell) -> None:
    """Make the commands known to a shell."""
    magics = BtqlMagics(shell)
    shell.register_magics(magics)
    _loaded[id(shell)] = magics


def unload(shell: InteractiveShell) -> None:
    """Close what the commands have opened, and forget them."""
    magics = _loaded.pop(id(shell), None)
    if magics is not None:
        magics.close()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("btql", None)


_loaded: dict[int, BtqlMagics] = {}
"""The number of a shell to its commands."""

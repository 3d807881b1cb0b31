"""A child process of ``btql serve``: ``python -m btql_server.process worker|maintenance NAME DOOR=FD …``.

Each door, such as ``http=5``, is a socket that listens already.

Its standard input is its lifeline: the first line are the settings, and when it ends, so does the child, whether it was
closed on purpose or because the parent died. Once the child can work it writes ``ready`` to its standard output,
and behind it the ports that it has bound by itself, such as ``flight=31337``.
Signals of a terminal reach the parent only.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from btql.cli.start import do_without_pandas
from btql_server.logs import log_as
from btql_server.settings import Settings
from btql_storage.errors import StorageError

if TYPE_CHECKING:
    from btql_server.worker import Worker

log = logging.getLogger("btql.process")
_LIFELINE = 0
"""The file descriptor of standard input."""
_NEEDED_SOON = ("btql_storage.ingest.writer", "btql_storage.wal.reader")
"""What else would be imported by the first write, and then be looked at for garbage."""
_GARBAGE_THRESHOLD = 5_000
"""How many more objects there are than before when a worker looks for garbage; a request makes some thousands, and
nearly all of them go by themselves."""


def main() -> None:
    """Run the child that the arguments name."""
    role, name, *doors = sys.argv[1:]
    told = sys.stdin.buffer.readline()
    if not told.endswith(b"\n"):
        # The parent has died before it said what to do.
        return
    settings = Settings.from_json(told)
    do_without_pandas()
    log_as(name, settings.log_level)
    # Only the parent decides when it is time to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if role == "worker":
            numbers = dict(each.split("=", 1) for each in doors)
            _work(settings, {door: socket.socket(fileno=int(number)) for door, number in numbers.items()}, name)
        else:
            _maintain(settings)
    except StorageError as error:
        log.error("cannot work", extra={"error": str(error), "code": error.code})  # noqa: TRY400
        raise SystemExit(1) from None


def _ready(*addresses: str) -> None:
    """Say that the child can work, and where it listens besides; where the parent died meanwhile, its lifeline ends."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), " ".join(("ready", *addresses)).encode() + b"\n")


def _work(settings: Settings, listeners: Mapping[str, socket.socket], name: str) -> None:
    import uvloop

    from btql_server.state import State
    from btql_server.worker import Worker

    # The event loop gets its turn sooner while handlers compute.
    sys.setswitchinterval(0.0005)
    state = State.open(settings)
    try:
        number = int(name.rpartition("-")[2])
        worker = Worker(state, listeners, lambda: _begin(worker), number)

        def at_end() -> None:
            if not os.read(_LIFELINE, 1):
                asyncio.get_running_loop().remove_reader(_LIFELINE)
                worker.stop()

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, worker.stop)
            loop.add_reader(_LIFELINE, at_end)
            await worker.run()

        uvloop.run(serve())
    finally:
        state.close()
    if worker.is_stuck:
        # The interpreter would wait for the thread at its end.
        os._exit(0)


def _begin(worker: Worker) -> None:
    """Say that a worker answers requests from now on."""
    keep_what_is_there()
    _ready(*([] if worker.flight_port is None else [f"flight={worker.flight_port}"]))


def keep_what_is_there() -> None:
    """Tell the garbage collector that what is in memory now will stay, so that it never looks at it again.

    That is modules above all, more than seventy thousand objects. To look at them takes tens of milliseconds, in which
    no request goes on, and it came to that with every hundred or two of large requests.
    """
    for name in _NEEDED_SOON:
        import_module(name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)


def _maintain(settings: Settings) -> None:
    from btql_server.maintenance import Maintenance

    maintenance = Maintenance(settings)
    signal.signal(signal.SIGTERM, lambda *_: maintenance.stop())

    def wait_for_end() -> None:
        while os.read(_LIFELINE, 1):
            pass
        maintenance.stop()

    threading.Thread(target=wait_for_end, daemon=True).start()
    _ready()
    maintenance.run()


if __name__ == "__main__":
    main()

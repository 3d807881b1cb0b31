"""Writes until the disk is full, then prints the ids that were acknowledged."""

from __future__ import annotations

import random
import signal
import sys

from btql_storage.errors import DiskFull
from btql_storage.store import Storage


def main() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    dice = random.Random(1)
    with Storage.open(sys.argv[1], create=True) as storage:
        target = storage.create_object("project_logs", "x")
        kept: list[str] = []
        size = 1_000
        while True:
            row_id = f"row{size}"
            try:
                storage.ingest(target, [{"id": row_id, "input": dice.randbytes(size).hex()}])
            except DiskFull:
                break
            kept.append(row_id)
            size *= 2
        # The next one fits again, so nothing is left in the way.
        storage.ingest(target, [{"id": "last", "input": 1}])
        sys.stdout.write(" ".join([*kept, "last"]))


if __name__ == "__main__":
    main()

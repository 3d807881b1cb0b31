"""A process that writes to a database that others write to, too, until it is told to stop or is killed.

It says ``ready``, and then ``ack N XACT`` when request N is durable. It stops when its standard input ends.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from threading import Thread

from storage_support.crash_child import request
from storage_support.shared import opened

LEASE_S = 0.5


def main(folder: str, service: str, seed: str, first: str) -> None:
    with opened(Path(folder), service, lease_s=LEASE_S) as storage:
        target = storage.object("dataset", "shared")
        os.write(1, b"ready\n")
        told = Thread(target=sys.stdin.read, daemon=True)
        told.start()
        number = int(first)
        while told.is_alive():
            receipt = storage.ingest(target, request(int(seed), number))
            os.write(1, b"ack %d %d\n" % (number, receipt.xact_id))
            number += 1
            # Others want to read in between.
            time.sleep(0.15)


if __name__ == "__main__":
    main(*sys.argv[1:])

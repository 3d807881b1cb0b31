"""``python -m benchmarks.beside.ingest``."""

from __future__ import annotations

import sys

from benchmarks.beside.ingest.command import main

if __name__ == "__main__":
    main(sys.argv[1:])

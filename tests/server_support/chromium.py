"""Where the browser is that drives the page in tests: a Chromium that the system's packages have brought."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ELSEWHERE = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def executable() -> str:
    """Return the path of a Chromium; without one, tests of the page fail and say how to get it."""
    named = os.environ.get("BTQL_CHROMIUM")
    if named:
        return named
    found = next((path for path in map(shutil.which, NAMES) if path is not None), None)
    found = found or next((path for path in ELSEWHERE if Path(path).exists()), None)
    assert found is not None, (
        "there is no Chromium: `python tests/install_programs.py` installs Debian's, "
        "or set BTQL_CHROMIUM to the path of a Chromium or Chrome"
    )
    return found

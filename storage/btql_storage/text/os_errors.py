"""What Tantivy says of a failing disk, as the error that Python would raise."""

from __future__ import annotations

import errno
import os
import re

_NUMBER = re.compile(r"(?:os error |code: )(\d+)")


def os_error(error: ValueError) -> OSError:
    """Return an error of Tantivy as one of the operating system."""
    number = _NUMBER.search(str(error))
    if not number:
        return OSError(errno.EIO, str(error))
    return OSError(int(number[1]), os.strerror(int(number[1])))

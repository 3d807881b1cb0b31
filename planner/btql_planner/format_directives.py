"""What stands for a value in the pattern of ``format``: ``%s``, ``%2$s``, ``%-8s``, ``%*s``."""

from __future__ import annotations

import re

DIRECTIVE = re.compile(
    r"""%(?:
        (?P<sign>%)
        | (?:(?P<place>\d+)\$)? (?P<left>-*)
          (?:(?P<width>\d+) | (?P<star>\*)(?:(?P<width_place>\d+)\$)?)?
          (?P<kind>[sIL])
    )""",
    re.VERBOSE | re.ASCII,
)
"""As Postgres reads them: the place of an item, then a minus to fill up on the right, a width or a star for an item
that is one, and how the item is written."""

WIDTHS_MAX = 65_536
"""How wide the items of one text may be made together; it is null beyond."""


def unknown(pattern: str) -> str | None:
    """Return the first piece of a pattern that begins with a per cent sign and stands for nothing."""
    found = re.search(r"%\S?", DIRECTIVE.sub("", pattern))
    return None if found is None else found[0]

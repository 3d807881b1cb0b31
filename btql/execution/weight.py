"""How much work planning a statement is to the engine: it plans without a pause, and nothing ends that.

Long values are columns of their own (:mod:`btql_planner.lowering.long_values`), except where there is no statement to
have them, as in the condition of a join. There functions inside each other are a text that grows by a power of their
number, and planning takes minutes and gigabytes.
"""

from __future__ import annotations

import re

from btql.errors import ResourceLimit

WEIGHT_MAX = 16_000_000
"""Characters with what the engine repeats. It plans some hundred thousand a second of what is in many pieces; a long
list of literals goes faster, but a query has at most a million characters of those."""
_LIGHT = 20_000
"""Characters of a statement that is not looked at."""
_PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|coalesce\(|[()]""")
_REPEATED = 2
"""The engine makes a CASE of ``coalesce``, with each argument in the condition and the result."""


def weight(text: str) -> int:
    """Return the length of a statement once the engine has written out its ``coalesce``; of a heavy one, its start."""
    total, times, start = 0, 1, 0
    around: list[int] = []
    for piece in _PIECE.finditer(text):
        total += times * (piece.end() - start)
        start = piece.end()
        if total > WEIGHT_MAX:
            break
        match piece[0]:
            case "(":
                around.append(times)
            case "coalesce(":
                around.append(times)
                times *= _REPEATED
            case ")":
                times = around.pop()
            case _:
                pass
    return total + len(text) - start


def check_weight(text: str) -> None:
    """Refuse a statement that would be planned for long."""
    if len(text) < _LIGHT or (len(text) <= WEIGHT_MAX and weight(text) <= WEIGHT_MAX):
        return
    raise ResourceLimit.of(
        "B0107",
        f"the query is too large to be planned: written out, what it computes has more characters than the limit, "
        f"{WEIGHT_MAX:,}",
        "compute what stands inside several functions in a query of its own, `FROM (SELECT … AS x FROM …)`, and write "
        "`x` in its place",
        "statement_weight_max",
        WEIGHT_MAX,
    )

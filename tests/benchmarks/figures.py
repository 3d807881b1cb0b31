"""How benchmarks tell their figures: on a line of their own, beside what is to be reached, and never as a failure."""

from __future__ import annotations

import sys
from typing import Any


def tell(title: str, to_reach: str = "", benchmark: Any = None, **figures: float | str) -> None:
    """Write figures to stderr, and to the table of pytest-benchmark where one is given."""
    told = {name: value if isinstance(value, str) else f"{value:,.2f}" for name, value in figures.items()}
    line = ", ".join(f"{name} {value}" for name, value in told.items())
    sys.stderr.write(f"\n{title}: {line}" + (f" (to reach: {to_reach})" if to_reach else "") + "\n")
    if benchmark is not None:
        benchmark.extra_info.update(told)

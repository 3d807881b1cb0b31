"""Every scalar function: importing this module declares them all."""

from __future__ import annotations

from btql_conformance import functions_json, functions_math, functions_patterns, functions_text, functions_time
from btql_conformance.functions import FUNCTIONS

__all__ = ["FUNCTIONS", "functions_json", "functions_math", "functions_patterns", "functions_text", "functions_time"]

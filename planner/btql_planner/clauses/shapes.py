"""Shapes of a source, as plan nodes."""

from __future__ import annotations

from dataclasses import replace

from btql_grammar import tree
from btql_planner.plan import Plan, TraceSummary
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import walk


def in_shape(rows: Plan, scan: Scan, shape: tree.Shape, name: str) -> Plan:
    """Return the rows of a source in its shape; the measures of a summary called ``name`` come later."""
    return TraceSummary(replace(scan, alias="roots"), rows, (), name) if shape == "summary" else rows


def scan_of(plan: Plan) -> Scan:
    """Return the scan that a source begins with, whatever is above it."""
    return next(node for node in walk(plan) if isinstance(node, Scan))

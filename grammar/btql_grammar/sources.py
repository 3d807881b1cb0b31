"""The kinds of object that FROM reads: which there are is said here alone, what each is like where it matters."""

from __future__ import annotations

KINDS = (
    "project_logs",
    "experiment",
    "dataset",
    "prompt",
    "function",
    "view",
    "project_prompts",
    "project_functions",
    "org_prompts",
    "org_functions",
    "playground_logs",
    "audit_log",
)
"""The kinds of object that a name may begin with, as in ``project_logs('demo')``."""

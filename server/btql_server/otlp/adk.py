"""Google's Agent Development Kit: attributes of GenAI, and what was said as JSON in ``gcp.vertex.agent.*``."""

from __future__ import annotations

from btql_server.otlp.draft import Draft, structured

ROOTS = frozenset({"gcp"})
"""How names begin that this convention knows."""
FIELDS = {
    "gcp.vertex.agent.tool_call_args": "input",
    "gcp.vertex.agent.tool_response": "output",
    "gcp.vertex.agent.llm_request": "input",
    "gcp.vertex.agent.llm_response": "output",
}
"""Attributes that are all of the input or output. Calls of tools have empty ones of models, too."""


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    for name, field in FIELDS.items():
        value = structured(draft.rest.get(name))
        if value == {} and ".llm_" in name:
            del draft.rest[name]
        elif field not in draft.fields:
            draft.fill(field, value)
            draft.rest.pop(name, None)

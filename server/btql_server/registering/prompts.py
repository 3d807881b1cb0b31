"""``/v1/prompt``: prompts, each version of which can be read for good."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct

from btql_server.registering.documents import Stored
from btql_server.registering.kind import Kind
from btql_server.registering.places import FEW, Name
from btql_server.registering.versioned import versioned


class Prompt(Struct):
    """One version of a prompt. SDKs need all of the keys."""

    id: str
    xact_id: str = msgspec.field(name="_xact_id")
    project_id: str
    log_id: str
    org_id: str
    name: str
    slug: str
    created: str
    description: str | None
    prompt_data: dict[str, object] | None
    tags: list[str] | None
    metadata: dict[str, object] | None
    function_type: str | None
    function_data: dict[str, object] | None


class PromptSpec(Struct, kw_only=True):
    """A prompt to make."""

    project_id: str | None = None
    project_name: Name | None = None
    name: Name
    slug: Name
    description: str | None = None
    prompt_data: dict[str, object] | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None
    function_type: str | None = None
    environment_slugs: Annotated[list[str], FEW] | None = None
    org_name: str | None = None


class PromptChanges(Struct):
    """What may change of a prompt."""

    name: Name | None = None
    slug: Name | None = None
    description: str | None = None
    prompt_data: dict[str, object] | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None


PROMPT = Stored(
    Kind("prompt", "Prompts", Prompt, PromptSpec, PromptChanges),
    "project_prompts",
    ("description", "prompt_data", "tags", "metadata", "function_type", "function_data"),
    {"function_data": {"type": "prompt"}},
)
routes = versioned(PROMPT)

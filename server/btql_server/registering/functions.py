"""``/v1/function``: functions, stored with versions like prompts. This server keeps them and runs none.

What a function is, is in its ``function_data``: code, parameters of an evaluation, a scorer that calls a model, …
"""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Struct

from btql_server.http.errors import invalid
from btql_server.registering.documents import Stored
from btql_server.registering.kind import Given, Kind
from btql_server.registering.places import FEW, Name
from btql_server.registering.versioned import versioned


class Function(Struct):
    """One version of a function."""

    id: str
    xact_id: str = msgspec.field(name="_xact_id")
    project_id: str
    log_id: str
    org_id: str
    name: str
    slug: str
    created: str
    description: str | None
    function_data: dict[str, object]
    function_type: str | None
    function_schema: dict[str, object] | None
    prompt_data: dict[str, object] | None
    origin: dict[str, object] | None
    tags: list[str] | None
    metadata: dict[str, object] | None


class _Described(Struct):
    """What a request may say of a function besides its place, name and slug."""

    description: str | None = None
    function_type: str | None = None
    function_schema: dict[str, object] | None = None
    prompt_data: dict[str, object] | None = None
    origin: dict[str, object] | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None


class FunctionSpec(_Described, kw_only=True):
    """A function to make."""

    project_id: str | None = None
    project_name: Name | None = None
    name: Name
    slug: Name
    function_data: dict[str, object]
    environment_slugs: Annotated[list[str], FEW] | None = None
    org_name: str | None = None


class FunctionChanges(_Described):
    """What may change of a function."""

    name: Name | None = None
    slug: Name | None = None
    function_data: dict[str, object] | None = None


def _check(document: Given) -> None:
    data = document.get("function_data")
    if not isinstance(data, dict) or not isinstance(cast("Given", data).get("type"), str):
        raise invalid("Expected `str`, such as `code`, `parameters` or `prompt`", ("function_data", "type"))


FUNCTION = Stored(
    Kind("function", "Functions", Function, FunctionSpec, FunctionChanges),
    "project_functions",
    (*_Described.__struct_fields__, "function_data"),
    check=_check,
)
routes = versioned(FUNCTION)

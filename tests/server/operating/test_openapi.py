"""The OpenAPI document: valid, whole, and true."""

import re

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from btql_server.app import all_routes
from btql_server.http.answer import json_answer
from btql_server.http.routes import Routes
from btql_server.operating.openapi import document, operation_id


@pytest.fixture(scope="module")
def whole():
    return document(all_routes())


def test_it_is_served_to_everybody(client, open_server):
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["servers"] == [{"url": open_server}]
    assert "/ping" in answer.json()["paths"]
    # This server checks no keys.
    assert answer.json()["security"] == []


def test_whoever_has_no_key_yet_reads_what_needs_one(party):
    document = httpx.get(party.url + "/openapi.json").json()
    assert document["security"] == [{"key": []}]
    assert "security" not in document["paths"]["/v1/project"]["post"]
    assert document["paths"]["/ping"]["get"]["security"] == []


def test_it_is_valid_openapi(whole):
    schemathesis.openapi.from_dict(whole).validate()


def test_every_schema_is_valid_and_every_reference_leads_somewhere(whole):
    for schema in whole["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for reference in re.findall(rb'"\$ref":"#/([^"]+)"', msgspec.json.encode(whole)):
        place = whole
        for step in reference.decode().split("/"):
            place = place[step]


def test_every_route_is_in_it_once(whole):
    ids = [operation["operationId"] for path in whole["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert set(ids) == {operation_id(route) for route in all_routes()}


def test_every_operation_says_what_it_does(whole):
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], f"{method} {path}"


class Colour(msgspec.Struct):
    """A colour."""

    name: str
    mixed_of: list["Colour"] | None = None


class Wanted(msgspec.Struct):
    ids: list[str] | None = None
    limit: int = 10
    name: str | None = None


_EVERY = Wanted()


def _made():
    routes = Routes("Colours")

    @routes.put("/colour/{id}/{rest:path}", answer=Colour)
    def change(call: object, id: str, rest: str, body: Colour, query: Wanted):  # noqa: A002
        """Change a colour.

        It stays changed.
        """
        return json_answer({})

    @routes.patch("/colours", answer=list[Colour])
    def search(call: object, body: Wanted = _EVERY):
        """Search colours."""
        return json_answer([])

    @routes.post(
        "/paint",
        takes={"image/png": bytes, "application/json": Colour},
        answer={"application/json": list[Colour], "image/png": bytes, "text/plain": bytes},
        public=True,
    )
    def paint(call: object, body: bytes):
        """Paint ``something``."""
        return json_answer({})

    return msgspec.json.decode(msgspec.json.encode(document(routes.all)))


def test_what_is_declared_is_what_is_described():
    made = _made()
    schemathesis.openapi.from_dict(made).validate()
    change = made["paths"]["/colour/{id}/{rest}"]["put"]
    assert (change["summary"], change["description"]) == ("Change a colour", "It stays changed.")
    assert change["operationId"] == "put_colour_by_id_by_rest"
    parameters = {one["name"]: one for one in change["parameters"]}
    assert [name for name, one in parameters.items() if one["required"]] == ["id", "rest"]
    assert parameters["ids"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert parameters["name"]["schema"] == {"type": "string"}
    reference = {"$ref": "#/components/schemas/Colour"}
    assert change["requestBody"] == {"required": True, "content": {"application/json": {"schema": reference}}}
    assert not made["paths"]["/colours"]["patch"]["requestBody"]["required"]
    assert made["components"]["schemas"]["Colour"]["required"] == ["name"]
    assert "401" in change["responses"]
    paint = made["paths"]["/paint"]["post"]
    assert paint["security"] == []
    assert "401" not in paint["responses"]
    assert paint["summary"] == "Paint `something`"
    assert paint["requestBody"]["content"]["application/json"] == {"schema": reference}
    binary = {"schema": {"type": "string", "format": "binary"}}
    assert paint["requestBody"]["content"]["image/png"] == binary
    answers = paint["responses"]["200"]["content"]
    assert answers["application/json"] == {"schema": {"type": "array", "items": reference}}
    assert answers["image/png"] == binary
    assert answers["text/plain"] == {"schema": {"type": "string"}}


def test_errors_look_as_described(client):
    schema = client.get("/openapi.json").json()
    validator = jsonschema_rs.validator_for({"$ref": "#/components/schemas/Error", "components": schema["components"]})
    validator.validate(client.get("/nowhere").json())

"""What is there, and what the server can do."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import flight

from btql_server.access.model import Level
from btql_server.flight import envelopes, messages, metadata

LISTS = [
    messages.CommandGetCatalogs(),
    messages.CommandGetDbSchemas(),
    messages.CommandGetTables(),
    messages.CommandGetTables(include_schema=True),
    messages.CommandGetTableTypes(),
    messages.CommandGetPrimaryKeys(table="demo"),
    messages.CommandGetExportedKeys(table="demo"),
    messages.CommandGetImportedKeys(table="demo"),
    messages.CommandGetCrossReference(pk_table="demo", fk_table="demo"),
    messages.CommandGetSqlInfo(),
    messages.CommandGetXdbcTypeInfo(),
]


def listed(client, door, command, **more):
    descriptor = flight.FlightDescriptor.for_command(envelopes.wrap(command))
    info = client.get_flight_info(descriptor, door.options(**more))
    table = client.do_get(info.endpoints[0].ticket, door.options(**more)).read_all()
    assert table.schema.equals(info.schema, check_metadata=True)
    assert client.get_schema(descriptor, door.options(**more)).schema.equals(info.schema)
    return table.to_pylist()


@pytest.mark.parametrize("command", LISTS, ids=lambda each: type(each).__name__)
def test_the_schema_of_a_list_is_the_one_that_is_promised(door, client, command):
    rows = listed(client, door, command)

    assert bool(rows) == ("Key" not in type(command).__name__ and "Cross" not in type(command).__name__)


@pytest.mark.parametrize(
    ("schema", "table", "types", "found"),
    [
        ("project_logs", "demo", (), True),
        ("project%", "d_mo", ("TABLE",), True),
        ("%", "%%%%%%%%%%%%%%%%%%%%%%%%%%%%mo", ("VIEW", "TABLE"), True),
        (None, "demo", ("VIEW",), False),
        ("dataset", "demo", (), False),
        (None, "dem", (), False),
        (None, "d\\_mo", (), False),
        (None, "D%", (), False),
        (None, "(demo|x)", (), False),
    ],
)
def test_tables_are_found_by_patterns(door, client, schema, table, types, found):
    rows = listed(client, door, messages.CommandGetTables(None, schema, table, types))

    wanted = {
        "catalog_name": "btql",
        "db_schema_name": "project_logs",
        "table_name": "demo",
        "table_type": "TABLE",
    }
    assert (wanted in rows) is found


def test_a_catalog_that_is_not_there_has_nothing(door, client):
    assert listed(client, door, messages.CommandGetTables("other")) == []
    assert listed(client, door, messages.CommandGetDbSchemas("other")) == []


def test_only_what_may_be_read_is_listed(door, client):
    project = door.party.join("lists@example.com", Level.ADMIN).post("/v1/project", json={"name": "hidden"}).json()
    elsewhere = door.party.join("lists@example.com", Level.ADMIN).post("/v1/project", json={"name": "shown"}).json()
    limited = door.party.key("lists@example.com", Level.READ, project="shown").text
    everything = {row["table_name"] for row in listed(client, door, messages.CommandGetTables())}
    seen = {row["table_name"] for row in listed(client, door, messages.CommandGetTables(), key=limited)}

    assert {"hidden", "shown", "demo"} <= everything
    assert seen == {"shown"}
    assert project["id"] != elsewhere["id"]
    for path, status in (("hidden", pa.ArrowInvalid), (project["id"], flight.FlightUnauthorizedError)):
        with pytest.raises(status):
            client.get_flight_info(flight.FlightDescriptor.for_path("project_logs", path), door.options(limited))


def test_adbc_lists_objects_and_columns(door):
    with door.adbc() as connection:
        tree = connection.adbc_get_objects(depth="all", table_name_filter="demo").read_all().to_pylist()
        schema = connection.adbc_get_table_schema("demo", db_schema_filter="project_logs")
        types = connection.adbc_get_table_types()
        info = connection.adbc_get_info()
    (catalog,) = tree
    schemas = {each["db_schema_name"]: each["db_schema_tables"] for each in catalog["catalog_db_schemas"]}

    assert catalog["catalog_name"] == "btql"
    assert {"project_logs", "experiment", "dataset"} <= set(schemas)
    (table,) = schemas["project_logs"]
    columns = {each["column_name"]: each for each in table["table_columns"]}
    assert columns["created"]["xdbc_type_name"] == "timestamptz"
    assert schema.field("tags").type == pa.list_(pa.string())
    assert schema.field("metadata").type == pa.json_()
    assert types == ["TABLE"]
    assert info["vendor_name"] == "btql"


def test_what_the_server_can_do_is_told(door, client):
    rows = listed(client, door, messages.CommandGetSqlInfo((0, 3, 8, 9, 10, 504, 508, 99_999)))
    values = {row["info_name"]: row["value"] for row in rows}

    assert {key: values[key] for key in (0, 3, 8, 9, 10, 504)} == {
        0: "btql",
        3: False,
        8: 0,
        9: True,
        10: True,
        504: '"',
    }
    assert "shape" in values[508]
    assert 99_999 not in values


def test_types_are_told_and_found_by_number(door, client):
    names = [row["type_name"] for row in listed(client, door, messages.CommandGetXdbcTypeInfo())]
    times = listed(client, door, messages.CommandGetXdbcTypeInfo(93))

    assert {"text", "bigint", "double precision", "boolean", "timestamptz", "jsonb", "text[]"} == set(names)
    assert [row["type_name"] for row in times] == ["timestamptz"]


def test_actions_are_told(door, client):
    assert {"CreatePreparedStatement", "CancelFlightInfo"} <= {
        each.type for each in client.list_actions(door.options())
    }


def test_every_command_with_a_list_has_a_schema():
    assert all(metadata.schema_of(command) is not None for command in LISTS)

"""Objects as tables: names, columns, and what was seen in rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

import btql
from btql.execution.directory import Directory, Everything, Listed
from btql.tables import COLUMN_NOTES, columns_of, paths, schemas, tables
from btql_storage.catalog import ObjectInfo


@dataclass
class _Some:
    """A directory that lists what it is given."""

    objects: list[Listed]

    def listed(self):
        return self.objects


def some(objects: list[Listed]) -> Directory:
    return cast("Directory", _Some(objects))


def named(number, kind, name, called=None):
    return Listed(ObjectInfo(number, kind, name), called)


def test_a_table_has_its_registered_name_where_that_is_unique():
    found = tables(
        some(
            [
                named(1, "experiment", "e1", "first"),
                named(2, "experiment", "e2", "twice"),
                named(3, "experiment", "e3", "twice"),
                named(4, "dataset", "d4", "twice"),
                named(5, "project_logs", "demo"),
                named(6, "project_logs", "p6", "demo"),
            ]
        )
    )

    assert [(each.schema, each.name, each.number) for each in found] == [
        ("dataset", "twice", 4),
        ("experiment", "e2", 2),
        ("experiment", "e3", 3),
        ("experiment", "first", 1),
        ("project_logs", "demo", 5),
        ("project_logs", "p6", 6),
    ]
    assert schemas(found)[:3] == ["project_logs", "experiment", "dataset"]


def test_every_column_says_what_is_in_it():
    columns = columns_of(("project_id", "experiment_id", "dataset_id", "org_id", "log_id"))

    assert [each.name for each in columns if each.note is None] == []
    assert set(COLUMN_NOTES) == {each.name for each in columns}


def test_a_table_s_columns_are_those_that_star_gives(tmp_path):
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:demo", [{"input": "hello", "metadata": {"model": "small", "tries": 1}}])
        database = connection._database
        (table,) = tables(Everything(database.storage))
        rows = connection.query("SELECT * FROM project_logs.demo").arrow()
        with database.storage.snapshot(database.storage.object("project_logs", "demo")) as snapshot:
            seen = {".".join(each.path): each.kinds for each in paths(snapshot)}

    assert [each.name for each in table.columns] == rows.column_names
    typed = {field.name: field.type for field in table.arrow_schema}
    assert {name: typed[name] for name in ("id", "created", "is_root", "tags")} == {
        name: rows.schema.field(name).type for name in ("id", "created", "is_root", "tags")
    }
    assert seen == {"input": ("text",), "metadata": (), "metadata.model": ("text",), "metadata.tries": ("integer",)}


def test_who_asks_for_the_catalog_is_told_where_it_is(tmp_path):
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:tables", [{"id": "a"}])
        for query in ("SELECT * FROM information_schema.tables", "SELECT relname FROM pg_catalog.pg_class"):
            with pytest.raises(btql.ProgrammingError, match=r"over the Postgres wire \(`btql serve --pg`\)"):
                connection.query(query).rows()

"""The kinds of object: what is said of a kind anywhere is said of one that FROM reads."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from btql.tables import SCHEMAS
from btql_grammar.sources import KINDS
from btql_planner.catalog import ID_FIELDS
from btql_server.access.objects import REGISTERED
from btql_server.reading import directory
from btql_storage.catalog.shapes import VERSIONED_KINDS


@pytest.mark.parametrize(
    "told",
    [SCHEMAS, ID_FIELDS, REGISTERED, VERSIONED_KINDS, directory._OF_ORGANIZATION, directory._ROWS, directory._LOG_IDS],
)
def test_tables_of_kinds_name_kinds_that_there_are(told: Iterable[str]):
    assert set(told) <= set(KINDS)

"""Where a server's limits come from."""

from __future__ import annotations

from dataclasses import fields

import pytest

from btql.cli.serve import _limits
from btql_server.settings import Limits
from btql_storage import limits as storage_limits
from btql_storage.errors import BadSetting

NO_RATES = {"requests_per_minute": None, "queries_per_minute": None}


def test_the_file_comes_before_the_environment_and_that_before_options(monkeypatch):
    table = {"query_rows_max": 5, "query_seconds_max": 1.5, "document_bytes_max": "1MiB", "requests_per_minute": 3}
    monkeypatch.setenv("BTQL_QUERY_SECONDS_MAX", "2.5")
    monkeypatch.setenv("BTQL_DOCUMENT_BYTES_MAX", "2MiB")

    found = _limits(table, ["document_bytes_max=3MiB"], {**NO_RATES, "requests_per_minute": 4})

    assert (found.query_rows_max, found.query_seconds_max, found.document_bytes_max) == (5, 2.5, 3 << 20)
    assert (found.requests_per_minute, found.query_memory_bytes_max) == (4, 1 << 30)


def test_an_unknown_limit_of_the_file_is_refused():
    with pytest.raises(BadSetting, match=r"`limits.rows` of btql.toml is no limit; .*query_rows_max"):
        _limits({"rows": 1}, [], NO_RATES)


def test_programs_that_embed_a_database_know_what_only_servers_take():
    own = {one.name for one in fields(Limits)} - set(storage_limits.NAMES)
    assert own == storage_limits.SERVER_NAMES

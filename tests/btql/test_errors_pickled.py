"""Errors go to another process, as pools of processes send them, and are there what they were."""

from __future__ import annotations

import pickle

import pytest

import btql
from btql_storage import errors as of_storage

RAISED: list[btql.Error] = [
    btql.TimeLimit(2.5, "a scan"),
    btql.ResourceLimit.of("B0504", "too large", "read less", "memory_bytes_max", 7.0),
    btql.Cancelled(),
    btql.EngineBusy(4),
    btql.ProgrammingError("not so", code="B0201", sqlstate="42883"),
    of_storage.BadEvent(3, "no", "id", "leave it out"),
    of_storage.LimitExceeded(3, "too long", "limit", "shorten it"),
    of_storage.VersionGone(1, 2),
    of_storage.NotInstalled("lib", "that"),
    of_storage.Damaged("bad", "restore it"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda each: type(each).__name__)
def test_an_error_is_the_same_elsewhere(error: btql.Error) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_mistake_in_a_query_is_the_same_elsewhere(tmp_path) -> None:
    with btql.connect(tmp_path / "db") as conn, pytest.raises(btql.ProgrammingError) as raised:
        conn.cursor().execute("SELECT lenght(1)")
    again = pickle.loads(pickle.dumps(raised.value))

    assert isinstance(again, btql.QueryError)
    assert isinstance(again, btql.ProgrammingError)
    assert (str(again), again.position, again.sqlstate) == (str(raised.value), 8, "42883")

"""What INSERT and UPDATE write is held to the same types as any request of events."""

from __future__ import annotations

import pytest

WRONG = [
    ("scores.s", "500", ["scores", "s"], "from 0 to 1, got 500"),
    ("scores.s", "'good'", ["scores", "s"], "got a text"),
    ("scores", "{'s': true}", ["scores", "s"], "got a boolean"),
    ("metrics.tokens", "'many'", ["metrics", "tokens"], "a number, got a text"),
    ("metrics.tokens", "true", ["metrics", "tokens"], "a number, got a boolean"),
    ("tags", "[1]", ["tags", 0], "Expected `str`, got `int`"),
    ("metadata", "[1]", ["metadata"], "not an object"),
]


def _ask(http, query, **more):
    return http.post("/btql", json={"query": query, **more})


def _refused(answer, path, reason):
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert reason in error["message"]


@pytest.mark.parametrize(("field", "value", "path", "reason"), WRONG)
def test_an_insert_of_a_wrong_type_names_row_and_field(http, experiment, stored, field, value, path, reason):
    target = f"experiment('{experiment}')"
    statement = f"INSERT INTO {target} (id, {field}) VALUES ('a', null), ('b', {value})"
    _refused(_ask(http, statement), ["row", 2, *path], reason)
    merging = f"{statement} ON CONFLICT (id) DO UPDATE SET {field} = excluded.{field}"
    _refused(_ask(http, merging), ["row", 2, *path], reason)
    assert stored("experiment", experiment) == {}


@pytest.mark.parametrize(("field", "value", "path", "reason"), WRONG)
def test_an_update_to_a_wrong_type_names_row_and_field(http, experiment, stored, field, value, path, reason):
    target = f"experiment('{experiment}')"
    assert _ask(http, f"INSERT INTO {target} (id, input) VALUES ('a', 1)").status_code == 200
    _refused(_ask(http, f"UPDATE {target} SET {field} = {value}"), ["row", "a", *path], reason)
    row = stored("experiment", experiment)["a"]
    assert (row["scores"], row["metrics"], row["tags"], row["metadata"]) == (None, None, None, None)


def test_values_that_are_not_in_the_statement_are_looked_at(http, experiment, stored):
    target = f"experiment('{experiment}')"
    statement = f"INSERT INTO {target} (id, scores.s) VALUES (?, ?)"
    _refused(_ask(http, statement, parameters=["a", 2]), ["row", 1, "scores", "s"], "from 0 to 1, got 2")
    answer = _ask(http, statement, parameter_sets=[["a", 1], ["b", 7]])
    _refused(answer, ["row", 2, "scores", "s"], "from 0 to 1, got 7")
    answer = _ask(http, f"INSERT INTO {target} (id, scores.s) SELECT 'a', 4 + 4")
    _refused(answer, ["row", 1, "scores", "s"], "from 0 to 1, got 8")
    assert stored("experiment", experiment) == {}


def test_a_refused_insert_makes_no_object(http):
    refused = _ask(http, "INSERT INTO project_logs('not there yet') (id, scores.s) VALUES ('a', 7)")
    _refused(refused, ["row", 1, "scores", "s"], "from 0 to 1")
    assert "B0402" in _ask(http, "SELECT id FROM project_logs('not there yet')").text


def test_what_has_the_right_types_is_taken(http, experiment, stored):
    target = f"experiment('{experiment}')"
    values = "('a', 0.5, 'NaN', 3, ['t'], {'k': 1}), ('b', 1, null, null, null, null)"
    fields = "id, scores.s, scores.n, metrics.tokens, tags, metadata"
    assert _ask(http, f"INSERT INTO {target} ({fields}) VALUES {values}").status_code == 200
    assert _ask(http, f"UPDATE {target} SET scores.s = 0, metrics.tokens = 4 WHERE id = 'b'").status_code == 200
    assert _ask(http, f"DELETE FROM {target} WHERE id = 'a'").status_code == 200
    rows = stored("experiment", experiment)
    assert list(rows) == ["b"]
    assert (rows["b"]["scores"]["s"], rows["b"]["metrics"]) == (0, {"tokens": 4})

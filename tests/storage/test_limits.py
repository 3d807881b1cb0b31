"""What documents and requests may be at most, how that is told, and how it is changed."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_storage.errors import BadEvent, BadSetting, LimitExceeded, TooManyEvents
from btql_storage.folder import Settings
from btql_storage.ingest.accept import accept
from btql_storage.ingest.envelope import join, sizes_of
from btql_storage.limits import (
    DEFAULT,
    HIGHEST,
    NAMES,
    Limits,
    from_environment,
    from_file,
    may_exceed,
    shape_of,
    size_of,
    with_options,
)
from btql_storage.store import Storage

SMALL = Limits(200, 3, 100, 5, 4)


@pytest.mark.parametrize(
    ("event", "limit", "reason"),
    [
        (b'{"input":"' + b"x" * 100 + b'"}', "document_bytes_max", "larger than 100 bytes"),
        ({"input": "x" * 100}, "document_bytes_max", "larger than 100 bytes"),
        (b'{"input":[[[[[1]]]]]}', "document_depth_max", "nested more than 5 deep"),
        (b'{"a":1,"b":{"c":{"d":1,"e":2}}}', "document_keys_max", "more than 4 keys"),
    ],
)
def test_a_document_beyond_a_limit_is_named_with_the_limit(event, limit, reason):
    with pytest.raises(LimitExceeded) as caught:
        accept([b"{}", event], limits=SMALL)

    assert isinstance(caught.value, BadEvent)
    assert (caught.value.index, caught.value.limit, caught.value.code) == (1, limit, "S0206")
    assert str(caught.value) == (
        f"event 2 of the request: {reason}, the limit `{limit}`; raise it with BTQL_{limit.upper()} in the environment"
    )


@pytest.mark.parametrize(
    "event",
    [
        b'{"input":"' + b"x" * 80 + b'"}',
        b'{"input":[[[[1]]]]}',
        b'{"a":1,"b":{"c":{"d":1}}}',
        b'{"input":[{"a":1,"b":1},{"c":1,"d":1}]}',
        b'{"input":"{\\"a\\":1,\\"b\\":1,[[[[[:::::"}',
    ],
)
def test_a_document_within_the_limits_is_taken(event):
    assert accept([event], limits=SMALL).rows == 1


@pytest.mark.parametrize(
    ("events", "limit"), [([b"{}"] * 4, "request_events_max"), ([b'{"a":"%b"}' % (b"x" * 90)] * 3, "request_bytes_max")]
)
def test_a_request_beyond_a_limit_is_told_which(events, limit):
    with pytest.raises(TooManyEvents, match=f"more .*the limit `{limit}`; send "):
        accept(events, limits=SMALL)


def _measured(value: object, in_array: bool = False) -> tuple[int, int]:
    """Return depth and keys of a document, found in the plain way."""
    if isinstance(value, dict):
        below = [_measured(each, in_array) for each in value.values()]
        keys = 0 if in_array else len(value)
    elif isinstance(value, list):
        below = [_measured(each, in_array=True) for each in value]
        keys = 0
    else:
        return 0, 0
    return 1 + max((depth for depth, _ in below), default=0), keys + sum(count for _, count in below)


@given(
    st.recursive(
        st.none() | st.text(alphabet='[]{}:,"\\a\n'),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{:"\\b'), inner, max_size=4),
        max_leaves=30,
    ),
    st.sampled_from([None, 1]),
    st.sampled_from([None, 1, 7, 1_000]),
)
def test_the_shape_of_a_text_is_that_of_its_value(value, indent, piece):
    text = json.dumps(value, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        if piece is not None:
            # As long texts are looked at.
            patch.setattr("btql_storage.structure._FEW", 0)
            patch.setattr("btql_storage.structure._PIECE", piece)
        assert shape_of(text) == _measured(value)


def test_the_shape_of_a_text_takes_little_memory_however_many_texts_are_in_it():
    text = b'{"a":[' + b'"" ,' * 500_000 + b"1]}"
    tracemalloc.start()
    try:
        assert shape_of(text) == (2, 1)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(text)
    finally:
        tracemalloc.stop()


@given(
    st.lists(st.builds("".join, st.lists(st.sampled_from(["[", "]", "{", "}", "\x1b", "ä", "x" * 61])))),
    st.integers(1, 9),
    st.sampled_from([0, 1_000]),
)
def test_many_documents_are_within_the_limits_only_if_each_is(texts, depth_max, few):
    lines = [text.encode() for text in texts]
    joined = join(lines, sizes_of(lines))
    brackets = [line.count(b"[") + line.count(b"{") for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("btql_storage.limits._CACHED", 128)
        patch.setattr("btql_storage.limits._FEW", few)
        found = may_exceed(*joined, Limits(document_depth_max=depth_max))

    if max(brackets, default=0) > depth_max:
        assert found
    if sum(brackets) <= depth_max:
        assert not found


def test_many_documents_are_not_looked_at_one_by_one_for_the_brackets_of_all_of_them():
    lines = [b'{"input":[[],[],"%b"]}' % (b"x" * 100)] * 1_000

    assert not may_exceed(*join(lines, sizes_of(lines)), DEFAULT)


def test_the_environment_changes_limits():
    environ = {"BTQL_DOCUMENT_BYTES_MAX": "1 GiB", "BTQL_DOCUMENT_KEYS_MAX": "250_000", "OTHER": "1"}
    found = from_environment(DEFAULT, environ)

    assert (found.document_bytes_max, found.document_keys_max) == (1 << 30, 250_000)
    assert found.document_depth_max == DEFAULT.document_depth_max
    assert from_environment(DEFAULT, {}) is DEFAULT


@pytest.mark.parametrize("value", ["", "many", "-1", "0", "1.5", "64 MiBs", "2GiB", 0, 1 << 40])
def test_what_a_limit_cannot_be_is_refused_by_name(value):
    with pytest.raises(
        BadSetting, match=r"--limit document_bytes_max is `.*`; give a whole number from 1 to 1,073,741"
    ):
        with_options(DEFAULT, {"document_bytes_max": value}, "--limit {}".format)


@pytest.mark.parametrize(("value", "seconds"), [("2.5", 2.5), (3, 3.0)])
def test_a_limit_in_seconds_may_be_a_fraction(value, seconds):
    assert with_options(DEFAULT, {"query_seconds_max": value}).query_seconds_max == seconds


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon", True])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(BadSetting, match=r"`query_seconds_max` is `.*`; give a number above 0"):
        with_options(DEFAULT, {"query_seconds_max": value})


def test_a_file_may_have_limits_that_only_servers_take():
    assert from_file(DEFAULT, {"query_rows_default": 5, "answer_rows_max": 7}).answer_rows_max == 7
    with pytest.raises(BadSetting, match=r"`limits.rows` of btql.toml is no limit"):
        from_file(DEFAULT, {"rows": 1})


def test_an_unknown_limit_is_refused_with_those_that_there_are():
    with pytest.raises(BadSetting, match="`rows` is no limit; the limits are request_bytes_max, "):
        with_options(DEFAULT, {"rows": 1})


@pytest.mark.parametrize(
    ("text", "size"), [("1kb", 1_000), ("2 KiB", 2_048), ("3MiB", 3 << 20), (" 7 ", 7), ("7 m", None)]
)
def test_sizes(text, size):
    assert size_of(text) == size


def test_no_default_is_beyond_what_there_can_be():
    assert all(getattr(DEFAULT, name) <= getattr(HIGHEST, name) for name in NAMES)


def test_a_database_has_limits_of_its_own(tmp_path):
    with Storage.open(tmp_path / "db", create=True, settings=Settings(limits=SMALL)) as storage:
        logs = storage.create_object("project_logs", "x")
        with pytest.raises(LimitExceeded):
            storage.ingest(logs, [{"input": "x" * 100}])
        assert storage.ingest(logs, [{"input": "x"}]).rows == 1


def test_the_environment_holds_for_every_database(tmp_path, monkeypatch):
    monkeypatch.setenv("BTQL_DOCUMENT_BYTES_MAX", "50")
    with Storage.open(tmp_path / "db", create=True) as storage:
        logs = storage.create_object("project_logs", "x")
        with pytest.raises(LimitExceeded, match="larger than 50 bytes"):
            storage.ingest(logs, [{"input": "x" * 50}])


def test_the_deepest_that_can_be_allowed_is_stored_merged_and_read(tmp_path):
    most = HIGHEST.document_depth_max
    text = b'{"a":' * (most - 1) + b"%d" + b"}" * (most - 1)
    deep = b'{"id":"a","_is_merge":true,"input":%b}' % text
    mapping = json.loads(deep % 3)
    with Storage.open(tmp_path / "db", create=True, settings=Settings(limits=HIGHEST)) as storage:
        logs = storage.create_object("project_logs", "x")
        for event in (deep % 1, deep % 2, mapping):
            storage.ingest(logs, [event])
        for _ in range(2):
            with storage.snapshot(logs) as snapshot:
                (source,) = snapshot.sources
                table = source.documents(source.lookup("id", ["a"]), ["input"])
                assert table.column("input").to_pylist() == [(text % 3).decode()]
            storage.compact()

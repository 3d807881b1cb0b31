"""What requests are taken, what is filled in, and what is refused for which reason."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.json import Decoder
from storage_support.wal_events import events_of

from btql_storage.clock import Clock
from btql_storage.errors import BadEvent, TooManyEvents
from btql_storage.ingest.accept import EVENTS_MAX, accept
from btql_storage.ingest.envelope import Envelope, read, read_all, sizes_of
from btql_storage.ingest.refusals import checked
from btql_storage.limits import Limits
from btql_storage.merge import apply
from btql_storage.row import Row
from btql_storage.wal.control import Control
from btql_storage.wal.format import Flag


class FixedClock(Clock):
    def now_us(self) -> int:
        return 1_700_000_000_000_000


def accept_one(line: bytes):
    return accept([line], FixedClock())


def fields_of(*events: bytes | dict[str, Any], leave_out: frozenset[str] = frozenset()) -> list[dict[str, bytes]]:
    return [event.fields for event in events_of(accept(events, FixedClock(), leave_out))]


def test_fields_come_out_as_they_were_written():
    line = b'{"id":"a", "input" : {"x": 1.50,  "y":[1, 2]} , "tags":["t"], "log_id":"g", "n":1e999}'

    assert fields_of(line) == [
        {"input": b'{"x": 1.50,  "y":[1, 2]}', "tags": b'["t"]', "log_id": b'"g"', "n": b"1e999"}
    ]


def test_of_a_key_that_is_given_twice_the_last_value_counts():
    line = b'{"id":7,"scores":[],"input":1,"_is_merge":3,"id":"a","scores":{"s":1},"input":2,"_is_merge":true}'
    (event,) = events_of(accept([line]))

    assert (event.id, event.merges, event.fields) == ("a", True, {"scores": b'{"s":1}', "input": b"2"})


def test_keys_may_be_left_out():
    line = b'{"id":"a","project_id":"p","input":{"project_id":"q"}}'

    assert fields_of(line, leave_out=frozenset({"project_id"})) == [{"input": b'{"project_id":"q"}'}]
    assert fields_of(line) == [{"project_id": b'"p"', "input": b'{"project_id":"q"}'}]


def test_missing_values_are_filled_in_and_flagged():
    accepted = accept(
        [b'{"id":"a"}', b"{}", b'{"id":"b","span_id":"s","root_span_id":"r","created":null}'], FixedClock()
    )
    ids = accepted.ids

    assert ids[0] == "a"
    assert len(ids[1]) == 36
    assert accepted.span_ids == ["a", ids[1], "s"]
    assert accepted.root_span_ids == ["a", ids[1], "r"]
    assert accepted.created_us.to_pylist() == [1_700_000_000_000_000] * 3
    all_of_them = Flag.ROOT_GIVEN_BY_US | Flag.SPAN_GIVEN_BY_US | Flag.CREATED_GIVEN_BY_US
    assert accepted.flags.tolist() == [all_of_them, all_of_them, Flag.CREATED_GIVEN_BY_US]


def test_null_counts_in_a_merge_only():
    before = Row("a", "a", "a", 0, 1, "p", {"input": b"1", "k": b"2", "output": b"3"})
    replacing, merging = events_of(
        accept([b'{"id":"a","input":null,"k":null}', b'{"id":"a","input":null,"k":null,"_is_merge":true}'])
    )
    replaced, merged, inserted = apply(before, replacing), apply(before, merging), apply(None, merging)

    assert replaced is not None
    assert merged is not None
    assert inserted is not None
    assert (replaced.fields, merged.fields, inserted.fields) == ({}, {"output": b"3"}, {})


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("2026-05-01T10:20:30.123Z", 1_777_630_830_123_000),
        ("2026-05-01T12:20:30.123+02:00", 1_777_630_830_123_000),
        ("2026-05-01T10:20:30.123", 1_777_630_830_123_000),
        ("2026-05-01 10:20:30.123456789Z", 1_777_630_830_123_456),
        ("2026-05-01t10:20:30.123z", 1_777_630_830_123_000),
        ("2026-05-01", 1_777_593_600_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_times_may_be_written_in_several_ways(written: str, microseconds: int):
    accepted = accept([json.dumps({"id": "a", "created": written}).encode(), b'{"created":"2020-01-01T00:00:00Z"}'])

    assert accepted.created_us.to_pylist() == [microseconds, 1_577_836_800_000_000]


def test_texts_with_escapes_are_decoded():
    accepted = accept([rb'{"id":"a\u00e4\n","span_id":"\"","root_span_id":"\ud83d\ude00"}', b'{"id":"plain"}'])

    assert accepted.ids == ["aä\n", "plain"]
    assert accepted.span_ids == ['"', "plain"]
    assert accepted.root_span_ids == ["😀", "plain"]


def test_what_only_we_give_is_not_taken():
    line = b'{"id":"a","_xact_id":"1","_pagination_key":"p1","is_root":true,"_skip_async_scoring":true}'

    assert fields_of(line) == [{}]


def test_control_fields_become_flags_and_a_control():
    line = b'{"id":"a","_is_merge":true,"_object_delete":false,"_merge_paths":[["metadata","m"]],'
    line += b'"_array_delete":[{"path":["tags"],"delete":["x",1e999]}]}'
    accepted = accept([line, b'{"id":"b","_object_delete":true,"_merge_paths":null}'])

    assert accepted.flags[0] & Flag.MERGE
    assert accepted.flags[1] & Flag.DELETE
    assert accepted.controls is not None
    texts = accepted.controls.to_pylist()
    control = msgspec.json.decode(texts[0], type=Control)
    assert control.merge_paths == [["metadata", "m"]]
    assert control.array_delete[0].path == ["tags"]
    assert [bytes(raw) for raw in control.array_delete[0].delete] == [b'"x"', b"1e999"]
    assert texts[1] is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"nonsense", "not JSON"),
        (b'{"id":"a"', "not JSON"),
        (b'{"id":"a"} x', "not JSON"),
        (b'{"id":"a","input":NaN}', "not JSON"),
        (b'{"id":"a","input":01}', "not JSON"),
        (b'{"id":"a","input":"\x01"}', "not JSON"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b'{"id":7}', "`id` is not a text"),
        (b'{"id":""}', "`id` is an empty text"),
        (b'{"id":["a"]}', "`id` is not a text"),
        (b'{"id":"a","span_id":1}', "`span_id` is not a text"),
        (b'{"id":"a","input":"\xff"}', "`input` is not valid UTF-8"),
        (b'{"\xff":1}', "not valid UTF-8"),
        (b'{"id":"a","k":"\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"id":"a","tags":"x"}', "`tags` is not an array of texts"),
        (b'{"id":"a","tags":["x",1]}', "`tags` is not an array of texts"),
        (b'{"id":"a","tags":["x",null]}', "`tags` is not an array of texts"),
        (b'{"id":"a","span_parents":{}}', "`span_parents` is not an array of texts"),
        (b'{"id":"a","metadata":[]}', "`metadata` is not an object"),
        (b'{"id":"a","scores":"x"}', "`scores` is not an object"),
        (b'{"id":"a","metrics":1}', "`metrics` is not an object"),
        (b'{"id":"a","metadata":"{}"}', "`metadata` is not an object, but the text of one (parse it"),
        (b'{"id":"a","context":true}', "`context` is not an object"),
        (b'{"id":"a","span_attributes":1}', "`span_attributes` is not an object"),
        (b'{"id":"a","created":17}', "`created` is not a time (write it as `2026-01-02T03:04:05Z`)"),
        (b'{"id":"a","created":"yesterday"}', "`created` is not a time: `yesterday`"),
        (b'{"id":"a","created":"20260501"}', "`created` is not a time"),
        (b'{"id":"a","created":"0000-01-01T00:00:00Z"}', "`created` is not within the years 1 to 9999: `0000-01-01"),
        (b'{"id":"a","created":"0001-01-01T00:00:00+00:01"}', "`created` is not within the years 1 to 9999"),
        (b'{"id":"a","created":"9999-12-31T23:59:59-23:59"}', "`created` is not within the years 1 to 9999"),
        (b'{"id":"a","created":"2026-13-01T00:00:00Z"}', "`created` is not a time"),
        (b'{"id":"a","_is_merge":1}', "`_is_merge` is not true or false"),
        (b'{"id":"a","_object_delete":"yes"}', "`_object_delete` is not true or false"),
        (b'{"id":"a","_merge_paths":["a"]}', "`_merge_paths` has the wrong shape"),
        (b'{"id":"a","_array_delete":{}}', "`_array_delete` has the wrong shape"),
    ],
)
def test_a_bad_event_is_named_with_its_reason(line: bytes, reason: str):
    with pytest.raises(BadEvent) as caught:
        accept([b'{"id":"fine"}', b'{"id":"fine, too","tags":["x"],"metadata":{}}', line, b'{"id":"also fine"}'])

    assert caught.value.index == 2
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return ('{"input":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}").encode()


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_depth_is_limited(opening: str, closing: str):
    accept_one(nested(200, opening, closing))
    with pytest.raises(BadEvent, match="nested more than 200 deep"):
        accept_one(nested(201, opening, closing))
    with pytest.raises(BadEvent, match="nested more than 200 deep"):
        accept_one(nested(100_000, opening, closing))


def test_brackets_in_texts_and_side_by_side_are_no_depth():
    accept_one(json.dumps({"input": "[{" * 500 + '\\"'}).encode())
    accept_one(json.dumps({"input": [[]] * 500}).encode())


def test_mappings_are_written_as_json():
    first, second = fields_of(
        {"id": "a", "input": {"n": 2**70}}, {"id": "b", "input": float("nan"), "metadata": {"x": 1}}
    )

    assert first == {"input": b'{"n": 1180591620717411303424}'}
    assert second == {"input": b"null", "metadata": b'{"x":1}'}


def test_a_mapping_with_a_long_number_is_written_as_any_other():
    odd = {"n": 2**70, "none": [float("nan"), -float("inf")], "at": datetime(2026, 1, 2, tzinfo=UTC), "text": "NaN"}
    (fields,) = fields_of({"id": "a", "input": odd})

    wanted = {"n": 2**70, "none": [None, None], "at": "2026-01-02T00:00:00+00:00", "text": "NaN"}
    assert json.loads(fields["input"]) == wanted
    with pytest.raises(BadEvent, match="not JSON serializable"):
        accept([{"id": "a", "n": 2**70, "input": object()}])


def test_keys_that_are_no_texts_are_written_as_the_standard_library_does():
    biases = {50256: -100, 1.5: float("nan"), True: 1, None: [2**70]}
    (fields,) = fields_of({"id": "a", "metadata": {"logit_bias": biases, "cut": "\ud83d"}})

    wanted = {"50256": -100, "1.5": None, "true": 1, "null": [2**70]}
    assert json.loads(fields["metadata"]) == {"logit_bias": wanted, "cut": "\N{REPLACEMENT CHARACTER}"}
    with pytest.raises(BadEvent, match="keys must be str"):
        accept([{"id": "a", "metadata": {("a", "b"): 1}}])


def test_decimals_are_the_numbers_that_they_are():
    long = Decimal("0.1000000000000000055511151231257827")
    first, second = fields_of(
        {"id": "a", "metrics": {"cost": Decimal("1.10"), "nan": Decimal("NaN")}, "input": long},
        {"id": "b", "metrics": {"n": 2**70, "tokens": Decimal(2**70)}},
    )

    assert first["metrics"] == b'{"cost":1.10,"nan":null}'
    assert first["input"] == str(long).encode()
    assert json.loads(second["metrics"]) == {"n": 2**70, "tokens": 2**70}


def test_rows_of_a_data_frame_are_events():
    frame = pd.DataFrame({
        "id": ["a", "b"],
        "created": [pd.Timestamp("2026-01-02T03:04:05Z"), pd.NaT],
        "scores": [{"good": np.float64(0.5)}, {"good": np.float64("nan")}],
        "metrics": [{"tokens": np.int64(3), "n": 2**70}, {"tokens": np.int32(4)}],
        "input": [np.array([[1, 2], [3, 4]])[:, 0], np.array(["x"])],
    })  # fmt: skip
    rows = cast("list[dict[str, Any]]", frame.to_dict("records"))
    # Older versions of pandas leave it in rows.
    rows[1]["output"] = pd.NA
    first, second = fields_of(*rows)

    assert json.loads(first["scores"]) == {"good": 0.5}
    assert json.loads(first["metrics"]) == {"tokens": 3, "n": 2**70}
    assert json.loads(first["input"]) == [1, 3]
    assert json.loads(second["output"]) is None
    assert json.loads(second["scores"]) == {"good": None}
    assert json.loads(second["input"]) == ["x"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"id": "a", "input": object()}, "cannot be written as JSON"),
        ({("a", 1): "a"}, "keys must be str"),
        ('{"id":"a"}', "an event is a dictionary, or JSON in bytes, not `str`"),
    ],
)
def test_a_mapping_that_is_no_json_is_named(event: dict[str, object], reason: str):
    with pytest.raises(BadEvent) as caught:
        accept([event])

    assert reason in caught.value.reason


def test_one_event_is_no_list_of_events():
    with pytest.raises(BadEvent, match="not `str`; events are a list of such"):
        accept({"id": "a"})  # type: ignore[arg-type]


def test_a_mapping_that_contains_itself_is_refused():
    event: dict[str, object] = {"id": "a"}
    event["input"] = event
    with pytest.raises(BadEvent, match="nested more than 200 deep"):
        accept([event])


def test_a_request_has_a_largest_size():
    accept([b"{}"] * 10)
    with pytest.raises(TooManyEvents, match="more than 65,536 events"):
        accept([b"{}"] * (EVENTS_MAX + 1))


def test_no_events_are_fine():
    assert accept([]).rows == 0


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_taken_or_refused_with_a_reason(lines: list[bytes]):
    reason = None
    try:
        rows = accept(lines).rows
    except BadEvent as error:
        rows, reason = None, error.reason

    assert rows == len(lines) or reason


_SHAPED = {each.encode_name for each in msgspec.structs.fields(Envelope) if each.type is not msgspec.Raw}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["input", "output", "x", "ä", "expected"]), json_values), max_size=6))
def test_every_document_comes_out_as_it_went_in(documents: list[dict[str, object]]):
    lines = [json.dumps(document).encode() for document in documents]

    found = [{name: json.loads(text) for name, text in fields.items()} for fields in fields_of(*lines)]
    assert found == documents


@given(st.dictionaries(st.sampled_from(sorted(_SHAPED)), json_values, max_size=4))
def test_what_the_envelope_does_not_take_is_refused_with_its_field(document: dict[str, object]):
    line = json.dumps(document).encode()
    try:
        Decoder(Envelope).decode(line)
    except msgspec.ValidationError:
        with pytest.raises(BadEvent) as caught:
            accept([line])
        assert caught.value.field in document
    else:
        assert checked(line, 0).keys() == document.keys()


_TOKENS = ['{"a":1}', "{}", '{"a":{}', '{"a":[{}', '{"a":"}', '{"a":"', "{", "}", "\n", ",", '"b":2}', "]", " ", "1"]


@given(st.lists(st.lists(st.sampled_from(_TOKENS), max_size=4).map("".join), min_size=1, max_size=4))
@example(['{"a":1},{"b":2', '"c":3}'])
@example(['{"a":1}{"a":1}', ""])
@example(['{"a":1}\n{}', '{"a":{}'])
def test_events_that_are_read_in_one_go_are_each_one_document(texts: list[str]):
    lines = [text.encode() for text in texts]
    if read_all(lines, sizes_of(lines)) is not None:
        assert [type(json.loads(line)) for line in lines] == [dict] * len(lines)


def test_plain_events_are_read_in_one_go():
    lines = [b'{"id":"a"}', b'{"input":[1,\n2]}']

    assert read_all(lines, sizes_of(lines)) is not None


@pytest.mark.parametrize("were_read", [(), (0,), (0, 1, 2)])
def test_what_somebody_has_read_of_an_event_is_taken_over(were_read: tuple[int, ...]):
    lines = [
        b'{"id":"a","span_id":"s","input":"\xc3\xa4","_is_merge":true}',
        b'{"id":"b","created":"2026-01-01T00:00:00Z","_merge_paths":[["x"]]}',
        b'{"id":"c","origin":{"id":"a"},"comment":{"text":"fine"}}',
    ]
    events = [read(line) if place in were_read else line for place, line in enumerate(lines)]
    accepted, plain = accept(events, FixedClock()), accept(lines, FixedClock())

    assert (accepted.own_ids, accepted.json_bytes) == (["a", "b", "c"], sum(map(len, lines)))
    assert events_of(accepted) == events_of(plain)
    with pytest.raises(TooManyEvents):
        accept(events, limits=Limits(request_bytes_max=len(lines[0])))


def test_the_collector_does_not_look_at_what_requests_are_read_into():
    lines = [b'{"id":"%d","scores":{"s":[]},"metrics":{"m":{}},"tags":["t"]}' % number for number in range(2_000)]
    accept(lines)
    gc.collect()
    before = gc.get_stats()
    accept(lines)

    assert gc.get_stats() == before


NUMBERS = ["1e999", "-1e999", "1E+400", "1.5e0309", "2" + "0" * 308, "1" * 5_000]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("space", ["", " ", "\n"])
@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('{"metrics":{"fine":1e300,"x":%s}}', "metrics.x"),
        ('{"scores":{"x":%s}}', "scores.x"),
        ('{"metrics":{"deep":[1,{"x":%s,"y":1e999}]}}', "metrics.deep[1].x"),
        ('{"metrics":{"x":%s},"tags":["a"],"_merge_paths":[["tags"]]}', "metrics.x"),
    ],
)
def test_scores_and_metrics_beyond_float64_are_refused(number, space, document, path):
    wrong = (document % (number + space)).encode()
    for events in ([wrong], [b"{}", wrong], [{"input": 1}, wrong]):
        with pytest.raises(BadEvent) as caught:
            accept(events)
        assert (caught.value.index, caught.value.field) == (len(events) - 1, path.split(".")[0])
        assert f"`{path}` is a number beyond 1.8e+308" in caught.value.reason


@pytest.mark.parametrize(
    "document",
    [
        *(f'{{"input":{{"x":{number}}},"metrics":{{"m":1}}}}' for number in NUMBERS),
        '{"id":"03e999","metrics":{"x":1e308,"1e999":"1e999","y":1e-999},"input":"1e999, 1e999"}',
        '{"metrics":{"z":1.7976931348623157e308,"none":null,"yes":true,"deep":{"a":[1]}}}',
        '{"metrics":{"x":1%s}}' % ("0" * 305),
        '{"metrics":{"x":null},"scores":null,"output":[1e999]}',
    ],
)
def test_other_numbers_are_kept_as_they_are(document):
    assert accept([document.encode()]).lines.to_pylist() == [f"{document}\n"]
    assert accept([b"{}", document.encode()]).lines.to_pylist() == ["{}\n", f"{document}\n"]

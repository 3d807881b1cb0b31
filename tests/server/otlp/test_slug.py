"""Exported spans of all four versions, from bytes written by hand."""

import base64
import json
from uuid import UUID

import pytest

from btql_server.otlp.slug import Exported, parse_exported

OBJECT, ROW, SPAN, ROOT = (UUID(int=number) for number in (0xA1, 0xB2, 0xC3, 0xD4))
HEX_SPAN, HEX_ROOT = "099f558fd1ab40d5", "042524ec17ecf4a583fc7d949892f826"


def _text(*pieces):
    return base64.b64encode(b"".join(pieces)).decode()


def _json(**values):
    return json.dumps(values).encode()


ONE = Exported("experiment", str(OBJECT), {}, str(SPAN), str(ROOT))
SLUGS = {
    "1, object": (_text(b"\x01\x02\x00\x00", OBJECT.bytes), Exported("project_logs", str(OBJECT), {})),
    "1, span": (_text(b"\x01\x01\x01\x01", OBJECT.bytes, SPAN.bytes, ROOT.bytes, ROW.bytes), ONE),
    "1, span with a row of any text": (_text(b"\x01\x01\x01\x00", OBJECT.bytes, SPAN.bytes, ROOT.bytes, b"row"), ONE),
    "2, span": (_text(b"\x02\x01\x01\x00\x01\x01", OBJECT.bytes, SPAN.bytes, ROOT.bytes, ROW.bytes), ONE),
    "2, by name": (
        _text(b"\x02\x02\x00\x01\x00\x00", b"\x00\x00\x00\x17", b'{"project_name":"shop"}'),
        Exported("project_logs", None, {"project_name": "shop"}),
    ),
    "3, span": (
        _text(b"\x03\x01\x04", *(bytes([n + 1]) + one.bytes for n, one in enumerate((OBJECT, ROW, SPAN, ROOT)))),
        ONE,
    ),
    "3, playground": (
        _text(b"\x03\x03\x00", _json(object_id="any text", unknown=1)),
        Exported("playground_logs", "any text", {}),
    ),
    "4, span": (
        _text(
            b"\x04\x02\x02\x03",
            bytes.fromhex(HEX_SPAN),
            b"\x04",
            bytes.fromhex(HEX_ROOT),
            _json(object_id="84c6", row_id="r", propagated_event={"metadata": {"a": 1}}),
        ),
        Exported("project_logs", "84c6", {}, HEX_SPAN, HEX_ROOT, {"metadata": {"a": 1}}),
    ),
    "4, half of an emoji": (
        _text(b"\x04\x02\x00", rb'{"object_id":"o","propagated_event":{"metadata":{"user":"cut \ud83d"}}}'),
        Exported("project_logs", "o", {}, None, None, {"metadata": {"user": "cut \ufffd"}}),
    ),
    "4, ids of other forms": (
        _text(b"\x04\x01\x00", _json(object_id="e", row_id="r", span_id="s", root_span_id="t")),
        Exported("experiment", "e", {}, "s", "t"),
    ),
    "4, by name": (
        _text(b"\x04\x02\x00", _json(compute_object_metadata_args={"project_name": "shop", "project_id": None})),
        Exported("project_logs", None, {"project_name": "shop", "project_id": None}),
    ),
}


@pytest.mark.parametrize(("text", "exported"), list(SLUGS.values()), ids=list(SLUGS))
def test_what_an_exported_span_says(text, exported):
    assert parse_exported(text) == exported


@pytest.mark.parametrize(("text", "_"), list(SLUGS.values()), ids=list(SLUGS))
def test_a_slug_cut_short_is_refused_or_says_less(text, _):
    raw = base64.b64decode(text)
    for size in range(len(raw)):
        try:
            parse_exported(base64.b64encode(raw[:size]).decode())
        except ValueError:
            continue
        # Only the row id at the very end of the first versions may be missing: nothing here needs it.
        assert raw[0] < 3
        assert size >= len(raw) - 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no base64 at all!",
        "ünïcode",
        _text(b"\x09\x01\x00"),
        _text(b"\x04\x07\x00", _json(object_id="x")),
        _text(b"\x04\x01\x01\x09", bytes(16)),
        _text(b"\x04\x01\x00"),
        _text(b"\x04\x01\x00[]"),
        _text(b'\x04\x01\x00{"object_id": 1}'),
        _text(b"\x04\x01\x00" + b'{"compute_object_metadata_args":' + b'{"a":' * 5_000),
        _text(b"\x04\x01\x00", _json(object_id="x", span_id="s")),
        _text(b"\x02\x01\x00\x01\x00\x00\xff\xff\xff\xff{}"),
    ],
)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError):
        parse_exported(text)

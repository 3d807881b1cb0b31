"""Spans of OpenTelemetry, exported by the processors that the SDKs bring."""

from __future__ import annotations

from itertools import pairwise

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["python", "js"])
def exported(request, api, told, newest_python, js_sdk):
    said = told("otel", (newest_python if request.param == "python" else js_sdk).version)
    rows = api.query(f"select: * | from: project_logs('{said['project_id']}')")
    return said, {row["span_attributes"]["name"]: row for row in rows}


def test_the_tree_of_spans_is_kept(exported):
    said, spans = exported
    assert set(spans) == {"checkout", "chat gpt-5-nano", "pay"}
    assert spans["checkout"]["id"] == spans["checkout"]["span_id"] == said["root"]
    assert spans["checkout"]["span_parents"] is None
    for name in ("chat gpt-5-nano", "pay"):
        assert spans[name]["span_parents"] == [said["root"]]
    assert spans["pay"]["span_id"] == said["pay"]
    assert {row["root_span_id"] for row in spans.values()} == {said["trace_id"]}
    assert all(row["metrics"]["start"] <= row["metrics"]["end"] for row in spans.values())


def test_attributes_of_braintrust_become_fields(exported):
    spans = exported[1]
    assert spans["checkout"]["input"] == "basket"
    assert spans["checkout"]["metadata"]["shop.items"] == 3
    assert spans["pay"]["input"] == {"cents": 1200}
    assert spans["pay"]["output"] == {"paid": False}
    assert "card refused" in str(spans["pay"]["error"])
    chat = spans["chat gpt-5-nano"]
    assert chat["scores"] == {"polite": 0.5}
    assert sorted(chat["tags"]) == ["checkout", "eu"]


def test_attributes_of_the_conventions_become_fields(exported):
    chat = exported[1]["chat gpt-5-nano"]
    assert chat["span_attributes"]["type"] == "llm"
    assert "total?" in str(chat["input"])
    assert "12 €" in str(chat["output"])
    assert chat["metrics"]["prompt_tokens"] == 11
    assert chat["metrics"]["completion_tokens"] == 7
    assert chat["metadata"]["model"] == "gpt-5-nano"
    assert chat["metadata"]["provider"] == "openai"


def test_compressed_exports_are_taken(api, newest_python, project):
    said = newest_python.run(api, "otel", project, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    assert said["flushed"]
    rows = api.query(f"select: id | from: project_logs('{said['project_id']}')")
    assert len(rows) == 3


def test_spans_of_both_kinds_share_a_trace(api, newest_python, project):
    said = newest_python.run(api, "mixed", project, BRAINTRUST_OTEL_COMPAT="true")
    for source, names in (
        (f"project_logs('{said['project_id']}')", ["native root", "otel child", "native grandchild"]),
        (f"experiment('{said['experiment_id']}')", ["case", "otel in case"]),
    ):
        rows = {row["span_attributes"]["name"]: row for row in api.query(f"select: * | from: {source}")}
        assert set(rows) == set(names)
        assert len({row["root_span_id"] for row in rows.values()}) == 1
        assert rows[names[0]]["is_root"]
        for parent, child in pairwise(names):
            assert rows[child]["span_parents"] == [rows[parent]["span_id"]]

"""The page's modules by themselves, in the browser: formats, exact numbers, trees, words of the language."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from btql_grammar.detect import detect
from btql_server.page import page as served

QUERIES = Path(__file__).resolve().parents[3] / "conformance" / "cases"


@pytest.fixture
def js(page, site):
    """Evaluate an expression with the page's modules at hand."""
    page.goto(f"{site.url}/#query")
    expect(page.locator(".console .area")).to_be_visible()
    digest = served.site().digest

    def evaluate(module: str, expression: str, argument: object = None) -> object:
        code = f"async (given) => {{ const it = await import('/page/{digest}/{module}.js'); return {expression}; }}"
        return page.evaluate(code, argument)

    return evaluate


def test_durations(js):
    texts = {
        0: "0 ms",
        0.000002: "2 µs",
        0.0421: "42 ms",
        0.9996: "1.00 s",
        12.34: "12.3 s",
        59.96: "1 m 00 s",
        61: "1 m 01 s",
        119.7: "2 m 00 s",
        7_260: "2 h 01 m",
        7_199: "2 h 00 m",
        -3: "-3.00 s",
        None: "",
    }

    assert js("format", "given.map(it.duration)", list(texts)) == list(texts.values())


def test_moments_of_another_year_say_which(js):
    said = "given.map((each) => it.moment(each, new Date('2026-06-01T12:00:00Z')))"

    assert js("format", said, ["2026-01-02T12:00:00Z", "2025-12-02T12:00:00Z", "never"]) == [
        "Jan 2, 12:00:00",
        "Dec 2, 2025, 12:00:00",
        "",
    ]


def test_amounts(js):
    texts = {0: "$0", 0.00001: "<$0.0001", 0.0063: "$0.0063", 1.5: "$1.50", 12345.678: "$12345.68", None: ""}

    assert js("format", "given.map(it.money)", list(texts)) == list(texts.values())


def test_a_quoted_text_means_itself(js, site):
    for text in ("it's \\ \"all\"\n💥 of it\\'", "a \0 'and' \"more\""):
        quoted = js("format", "it.quoted(given)", text)

        assert site.query(f"select: {quoted} as a | from: project_logs('planted') | limit: 1") == [{"a": text}]


def test_an_object_without_a_kind_is_the_only_one_of_its_name(js):
    assert js("format", "given.map(it.sourceText)", ["project_logs:demo", "demo"]) == ["project_logs('demo')", '"demo"']


def test_whole_numbers_keep_their_digits(js):
    for text in (
        '{"a":9007199254740993,"b":[-12345678901234567890123]}',
        '{"id":"9007199254740993","a":1}',
        '[0.12345678901234567,1e300,{"a":{"b":18446744073709551615}}]',
    ):
        written = js("exact", "it.stringify(it.parse(given))", text)
        assert json.loads(written) == json.loads(text)


def test_fields_of_csv(js):
    values = ["plain", 'say "hi"', "a,b", "two\nlines", " space", None, 1.5, True, {"a": [1]}]

    found = js("download", "given.map(it.csvField).join()", values)

    assert next(csv.reader(io.StringIO(found, newline=""))) == [
        "plain",
        'say "hi"',
        "a,b",
        "two\nlines",
        " space",
        "",
        "1.5",
        "true",
        '{"a":[1]}',
    ]


def test_places_count_characters_as_the_server_does(js):
    text = "a\n🚀🚀b"

    assert js("editor", "given.slice(it.offsetOf(given, 2, 3))", text) == "b"
    assert js("editor", "given.slice(it.offsetOf(given, 9, 9))", text) == ""


def test_ticks_are_round_and_within_the_range(js):
    for low, high in [(0, 7), (0, 0.0031), (-5, 12_345), (0, 1), (3, 3)]:
        found = js("chart", "it.ticks(given[0], given[1], 5)", [low, high])
        assert 1 <= len(found) <= 8
        assert all(low <= each <= high + 1e-9 for each in found)


def test_ticks_come_to_an_end_where_a_step_is_too_small_to_count(js):
    for low, high in ((-1e17 - 32, -1e17), (-1e308, 1e308), (0, 5e-324)):
        assert js("chart", "it.ticks(given[0], given[1], 5).length", [low, high]) < 20


def test_the_language_is_told_apart_as_the_server_does(js):
    texts = [block for path in sorted(QUERIES.rglob("*.cases")) for block in path.read_text().split("\n\n")]
    texts += ["select: id", "SELECT id", "(select 1)", "-- x\n/* y */ with a as (select 1) select 1", "", "explain"]
    assert len(texts) > 1_000

    assert js("language", "given.map(it.detect)", texts) == [detect(text) for text in texts]


def test_bars_begin_at_zero(js, page):
    shown = """(() => {
      const chart = new it.Chart();
      Object.assign(chart.element.style, { height: "400px" });
      document.body.replaceChildren(chart.element);
      chart.show(["k", "v"], given.map((v, k) => ({ k: `${k}`, v })));
      return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
        [...chart.element.querySelectorAll("rect")].map((bar) => [bar.getAttribute("y"), bar.getAttribute("height")]),
      ))));
    })()"""
    for values in ([-10, -5], [10, 5]):
        (top, high), (_, low) = [[float(each) for each in bar] for bar in js("chart", shown, values)]
        assert high == pytest.approx(2 * low)
        assert top >= 0
    assert js("chart", shown, [0, 0]) != []


def test_a_long_word_before_the_cursor_is_found_at_once(js):
    text = "'" + "x" * 200_000 + "' = na"
    asked = "{ objects: async () => ({ objects: [] }), fields: async () => [] }"
    new = "new it.Language(await (await fetch('/page/functions.json')).json())"

    found = js("language", f"await {new}.complete('filter: ' + given, given.length + 8, {asked})", text)

    assert found["from"] == len("filter: ") + len(text) - 2


def test_names_of_objects_are_written_so_that_they_are_found_again(js):
    name = 'ann\'s \\ "logs"'
    asked = f"{{ objects: async () => ({{ objects: [{{ kind: 'project_logs', name: {json.dumps(name)} }}] }}) }}"
    new = "new it.Language(await (await fetch('/page/functions.json')).json())"
    for before, after in (("from: ", ""), ("from: project_logs('", "')")):
        one = f"(await {new}.complete(given, given.length, {asked})).items[0].insert"
        text = before + js("language", one, before) + after
        assert js("language", f"{new}.objectsIn(given)", text) == [f"project_logs:{name}"]


def test_a_tree_of_any_rows_has_every_span_once(js):
    rows = [
        {"id": "a", "span_id": "a", "span_parents": ["c"], "created": "2026-01-01T00:00:00Z"},
        {"id": "b", "span_id": "b", "span_parents": ["a"], "created": "2026-01-01T00:00:00Z"},
        {"id": "c", "span_id": "c", "span_parents": ["b"], "created": "2026-01-01T00:00:00Z"},
        {"id": "d", "span_id": "d", "span_parents": ["nobody"], "created": "nonsense", "metrics": {"start": "x"}},
        {"id": "e", "span_id": "e", "span_parents": ["e"], "metrics": None, "span_attributes": None},
        {"id": "f", "span_id": "a", "span_parents": None, "metrics": {"tokens": 5}},
    ]

    found = js(
        "model",
        "(() => { const trace = new it.Trace(given); return [trace.inOrder.map((node) => node.id), trace.sums()]; })()",
        rows,
    )

    assert sorted(found[0]) == ["a", "b", "c", "d", "e", "f"]
    assert (found[1]["spans"], found[1]["tokens"]) == (6, 5)


def test_a_deep_chain_is_no_trouble(js):
    rows = [
        {
            "id": str(n),
            "span_id": str(n),
            "span_parents": [str(n - 1)] if n else None,
            "created": "2026-01-01T00:00:00Z",
        }
        for n in range(3_000)
    ]

    assert js("model", "new it.Trace(given).inOrder.at(-1).depth", rows) == 2_999


def test_what_is_found_in_a_very_long_text_is_shown_without_the_rest(js):
    folded = "(it.unfoldWhere('Needle'), it.foldedText('word '.repeat(given) + 'a needle ' + 'word '.repeat(given)))"

    for count, shown in ((10, 109), (2_000, 20_009), (1_000_000, 2_400), (0, 9)):
        text = js("json", f"{folded}.textContent", count)
        assert "a needle" in text
        assert shown <= len(text) < shown + 150
    assert js("json", "(it.unfoldWhere(''), it.foldedText('x'.repeat(9000)).textContent.length)") < 1_300


def test_messages_are_recognised(js):
    cases = [
        ([{"role": "user", "content": "a"}], ["user"]),
        ({"messages": [{"role": "user", "content": "a"}], "model": "x"}, ["user"]),
        ({"system": "s", "messages": [{"role": "user", "content": "a"}]}, ["system", "user"]),
        ({"choices": [{"message": {"role": "assistant", "content": "b"}}]}, ["assistant"]),
        ({"contents": [{"role": "model", "parts": [{"text": "g"}]}]}, ["model"]),
        ({"role": "assistant", "content": None, "tool_calls": []}, ["assistant"]),
        ([{"role": "boss", "content": "a"}], None),
        ([{"role": "user", "content": "a"}, 1], None),
        ({"choices": []}, None),
        ({"system": [{"type": "text", "text": "s"}], "messages": [{"role": "user", "content": 1}]}, ["system", "user"]),
        ({"instructions": "s", "input": [{"role": "user", "content": "a"}]}, ["system", "user"]),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": "g"}]}}]}, ["model"]),
        ({"output": {"message": {"role": "assistant", "content": []}}}, ["assistant"]),
        ({"output": [{"type": "reasoning"}, {"type": "function_call", "name": "f"}]}, ["assistant", "assistant"]),
        ([{"type": "function_call_output"}, {"role": "user", "content": "a"}], ["tool", "user"]),
        ([{"type": "constructor"}], None),
        ({"input": "text", "output": {"output": 1}}, None),
        ([], None),
        ("text", None),
        (None, None),
        ([None], None),
    ]

    roles_of = "given.map((value) => it.messagesIn(value)?.map((each) => each.role) ?? null)"
    found = js("messages", roles_of, [value for value, _ in cases])

    assert found == [roles for _, roles in cases]


DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize(
    ("said", "called", "answered", "pictured"),
    [
        (
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "i1", "name": "look", "input": {"q": 1}},
            {"type": "tool_result", "tool_use_id": "i1", "content": [{"type": "text", "text": "rain"}]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DOT}},
        ),
        (
            {"type": "text", "content": "a"},
            {"type": "tool_call", "id": "i1", "name": "look", "arguments": {"q": 1}},
            {"type": "tool_call_response", "id": "i1", "response": "rain"},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": DOT},
        ),
        (
            {"type": "output_text", "text": "a"},
            {"type": "function_call", "call_id": "i1", "name": "look", "arguments": '{"q": 1}'},
            {"type": "function_call_output", "call_id": "i1", "output": "rain"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{DOT}"},
        ),
        (
            {"text": "a"},
            {"functionCall": {"name": "look", "args": {"q": 1}}, "id": "i1"},
            {"functionResponse": {"id": "i1", "name": "look", "response": "rain"}},
            {"inlineData": {"mimeType": "image/png", "data": DOT}},
        ),
        (
            {"text": "a"},
            {"toolUse": {"toolUseId": "i1", "name": "look", "input": {"q": 1}}},
            {"toolResult": {"toolUseId": "i1", "content": [{"text": "rain"}]}},
            {"image": {"format": "png", "source": {"bytes": DOT}}},
        ),
        (
            {"type": "text", "text": "a"},
            {"type": "tool-call", "toolCallId": "i1", "toolName": "look", "input": {"q": 1}},
            {"type": "tool-result", "toolCallId": "i1", "toolName": "look", "output": "rain"},
            {"type": "image", "image": DOT, "mediaType": "image/png"},
        ),
    ],
    ids=["anthropic", "opentelemetry", "responses", "gemini", "bedrock", "vercel"],
)
def test_parts_are_read_whatever_they_are_called(js, page, said, called, answered, pictured):
    value = [{"role": "user", "content": [said, pictured]}, {"role": "assistant", "content": [called, answered]}]
    js("messages", "document.body.replaceChildren(it.pretty(given))", value)

    expect(page.locator(".from-user .prose")).to_have_text("a")
    expect(page.locator(".from-user img")).to_have_count(1)
    expect(page.locator(".tool-part").first).to_have_text(re.compile("^callslooki1.*q: 1$"))
    expect(page.locator(".tool-part").last).to_have_text(re.compile("^tool result.*i1.*rain$"))


def test_what_stands_beside_messages_is_shown_too(js, page):
    value = {
        "system": [{"type": "text", "text": "be kind"}],
        "temperature": 0.5,
        "messages": [
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "old", "arguments": "{}"},
                "audio": {"id": 7},
            },
            {"role": "assistant", "content": "a", "reasoning_content": "hm", "annotations": []},
        ],
    }
    js("messages", "document.body.replaceChildren(it.pretty(given))", value)

    expect(page.locator(".from-system .prose")).to_have_text("be kind")
    expect(page.locator(".tool-name")).to_have_text("old")
    expect(page.locator(".thinking .prose")).to_have_text("hm")
    assert page.locator(".json-size").all_inner_texts() == ["audio", "temperature"]


def test_odd_values_are_drawn_and_load_nothing(js, page):
    far = {"type": "image_url", "image_url": {"url": "https://elsewhere.example/a.png"}}
    no_image = {"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": "x"}}
    values = [
        [{"role": "user", "content": [far]}],
        [{"role": "user", "content": [no_image]}],
        [{"role": "assistant", "content": [{"type": "tool_use", "name": None, "input": None}, None, 5, "text"]}],
        [
            {
                "role": "assistant",
                "content": {"any": "thing"},
                "tool_calls": [{}, {"function": {"arguments": "{no json"}}],
            }
        ],
        [{"role": "assistant", "content": [], "tool_calls": None}],
        [{"role": "tool", "content": None}],
        [{"role": "user", "content": str(n)} for n in range(500)],
        {"type": "braintrust_attachment", "key": "k"},
        "<script>alert(1)</script>",
        [[[[[[]]]]]],
        0,
        False,
    ]

    js("messages", "given.forEach((value) => document.body.append(it.pretty(value)))", values)

    page.wait_for_timeout(100)
    assert page.locator("script").count() == 1
    expect(page.get_by_role("button", name="show 450 messages between")).to_be_visible()

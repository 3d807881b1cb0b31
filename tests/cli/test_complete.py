"""Completion: what is offered where."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from btql.cli.complete import BtqlCompleter, spelled


class Words:
    """A vocabulary without a database; it counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def objects(self):
        return ["project_logs:demo", "project_logs:other", "experiment:e1"]

    def paths(self, name):
        self.asked += 1
        return [("metadata", "model"), ("metadata", "user id"), ("id",)] if name == "project_logs:demo" else []

    def functions(self):
        return ["lower", "len"]


def _offered(text: str, vocabulary: Words | None = None) -> list[str]:
    before, _, after = text.partition("^")
    completer = BtqlCompleter(vocabulary or Words())
    document = Document(before + after, len(before))
    return [item.text for item in completer.get_completions(document, CompleteEvent())]


def test_a_statement_starts_with_a_clause_or_sql():
    assert _offered("se^") == ["SELECT", "select:"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select: metadata.m^ | from: project_logs('demo')", ["metadata.model"]),
        ("SELECT metadata.u^ FROM project_logs('demo')", ['metadata."user id"']),
        ("select: l^ | from: project_logs('demo')", ["limit:", "lower", "len", "like"]),
        ("from: project_l^", ["project_logs"]),
        ("SELECT 1 FROM project_l^", ["project_logs"]),
        ("from: project_logs('^", ["demo", "other"]),
        ("from: project_logs('d^", ["demo"]),
        ('from: experiment("^', ["e1"]),
        ("from: project_logs('demo') tr^", ["traces", "trace_filter:", "true"]),
        ("\\t^", ["\\timing"]),
        ("select: x^", []),
    ],
)
def test_what_is_offered(text, expected):
    assert _offered(text) == expected


def test_fields_are_asked_for_once():
    words = Words()
    completer = BtqlCompleter(words)
    text = "select: metadata.m"
    for _ in range(3):
        list(completer.get_completions(Document(f"from: project_logs('demo') | {text}"), CompleteEvent()))

    assert words.asked == 1
    completer.forget()
    list(completer.get_completions(Document(f"from: project_logs('demo') | {text}"), CompleteEvent()))
    assert words.asked == 2


def test_odd_pieces_are_quoted():
    assert spelled(("metadata", "a b", 'say "x"', "ok")) == 'metadata."a b"."say ""x""".ok'

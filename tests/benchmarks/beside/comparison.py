"""Whose answer is right: the one on which most systems agree."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.beside.question import Plain, Question


def wrong(question: Question, answers: Mapping[str, list[Plain]]) -> dict[str, str]:
    """Return those with another answer than most have, and how it differs. Of two that differ both are wrong."""
    differences = {
        first: {second: question.difference(answers[first], answers[second]) for second in answers if second != first}
        for first in answers
    }
    if not differences:
        return {}
    support = {name: sum(not text for text in found.values()) for name, found in differences.items()}
    right = max(support, key=lambda name: support[name])
    if support[right] == 0 and len(answers) > 1:
        return {name: "no two systems agree; " + next(iter(found.values())) for name, found in differences.items()}
    return {name: text for name, text in differences[right].items() if text}

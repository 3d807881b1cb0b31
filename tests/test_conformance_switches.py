"""The cases of the language with everything off that makes a query faster: each answer is still the expected one.

Off are each rule of the planner where it has a part in the plan, all of them together, the probes of the text index,
that index itself, its positions, the deltas of inputs, the engine's pushdown into Parquet, answers from a few rows in
memory, and whatever is kept from one query to the next; and, the other way round, columns are kept from the first
question on, with numbers for their texts, and the index says which documents are read, however few they are. Half of
the events are in parts, so each answer is merged from parts and the tail; ``test_conformance`` has the states with only
one of them.

``make test`` asks each case behind two of the switches, ``make conformance-doors`` behind every one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from functools import partial, wraps

import pytest

from btql import plans
from btql.execution import fetch, in_memory, piece_reader, run, sessions
from btql_conformance.cases import Case, CaseFile, find_case_files, own_corpus
from btql_conformance.doors import DOORS
from btql_conformance.runner import Databases, run_case
from btql_planner import rules
from btql_planner.plan import Plan
from btql_storage.part import deltas, kept_columns, writer

FILES = find_case_files([own_corpus()])
WHOLE = bool(os.environ.get("CONFORMANCE_WHOLE"))
TURNS = 3
"""One of so many cases is asked behind a switch, each switch beginning with another one."""
OF_PLANS = "lint"
"""The option of cases that are about the plan itself, which is another one without a rule."""
PROBES = frozenset(rule for rule in rules.OPTIONAL if rule.startswith("probe_"))
Patch = pytest.MonkeyPatch


def without_rules(patch: Patch, disabled: Collection[str]) -> None:
    patch.setattr(rules, "RULES", tuple(rule for rule in rules.RULES if rule.__name__ not in disabled))
    patch.setattr(plans, "KEPT_MAX", 0)


def without_pushdown(patch: Patch) -> None:
    patch.setattr(run, "sessions", sessions.Sessions())
    patch.setitem(sessions.SETTINGS, "datafusion.execution.parquet.pushdown_filters", "false")
    patch.setitem(sessions.SETTINGS, "datafusion.execution.parquet.pruning", "false")


def without_answers_in_memory(patch: Patch) -> None:
    patch.setattr(in_memory, "ROWS_MAX", -1)


def keeping_nothing(patch: Patch) -> None:
    patch.setenv("BTQL_MEMORY_CACHE_BYTES_MAX", "1")
    patch.setattr(plans, "KEPT_MAX", 0)
    patch.setattr(kept_columns, "WANTED_MIN", 0)


def keeping_at_once(patch: Patch) -> None:
    patch.setattr(kept_columns, "WANTED_MIN", 1)
    patch.setattr(kept_columns, "DIFFERENT_MAX", 1)
    patch.setattr(piece_reader, "CODED_MIN", 0)


def without_text_indexes(patch: Patch) -> None:
    patch.setattr(writer, "INDEXED_FROM_BYTES", 1 << 40)


def with_little_room(patch: Patch) -> None:
    patch.setenv("BTQL_LAYOUT", "small")


def without_deltas(patch: Patch) -> None:
    patch.setattr(deltas, "DELTA_BYTES_MIN", 1 << 40)


def reading_by_keys(patch: Patch) -> None:
    patch.setattr(fetch, "LOOKED_UP_MIN", 0)
    patch.setattr(fetch, "LOOKED_UP_SHARE", 1.0)
    patch.setattr(fetch, "HITS_OF_ROW", 1 << 40)


SWITCHES: dict[str, Callable[[Patch], None]] = {
    "no rule": partial(without_rules, disabled=rules.OPTIONAL),
    "no probe": partial(without_rules, disabled=PROBES),
    "no text index": without_text_indexes,
    "no positions": with_little_room,
    "no deltas": without_deltas,
    "no pushdown": without_pushdown,
    "nothing in memory": without_answers_in_memory,
    "nothing kept": keeping_nothing,
    "kept at once": keeping_at_once,
    "documents by keys": reading_by_keys,
}


def questions(file: CaseFile, turn: int) -> list[tuple[Case, str]]:
    """Return the cases whose turn it is, each in one of its languages."""
    cases = [case for case in file.cases if OF_PLANS not in case.options]
    chosen = [number for number in range(len(cases)) if WHOLE or (number + turn) % TURNS == 0]
    return [(cases[number], _language(cases[number], number)) for number in chosen]


def _language(case: Case, number: int) -> str:
    languages = list(case.queries)
    return languages[number % len(languages)]


@pytest.fixture
def databases() -> Iterator[Callable[[CaseFile], Databases]]:
    """Open the data of a file after everything was switched."""
    opened: list[Databases] = []

    def open_it(file: CaseFile) -> Databases:
        opened.append(Databases(DOORS["embedded"](), file, "half"))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_switch_changes_no_answer(
    file: CaseFile, switch: str, monkeypatch: Patch, databases: Callable[[CaseFile], Databases]
) -> None:
    SWITCHES[switch](monkeypatch)
    opened = databases(file)

    outcomes = [run_case(*question, opened) for question in questions(file, list(SWITCHES).index(switch))]

    assert [
        f"{one.id}: {one.case.queries[one.language]}\n\n{one.difference}" for one in outcomes if not one.passed
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_rule_by_itself_changes_an_answer(
    file: CaseFile, monkeypatch: Patch, databases: Callable[[CaseFile], Databases]
) -> None:
    opened = databases(file)
    monkeypatch.setattr(plans, "KEPT_MAX", 0)
    wrong: list[str] = []
    for case, language in questions(file, 0):
        for rule in used_by(case, language, opened):
            with pytest.MonkeyPatch.context() as patch:
                without_rules(patch, {rule})
                outcome = run_case(case, language, opened)
            if not outcome.passed:
                wrong.append(f"without {rule}: {outcome.id}: {case.queries[language]}\n\n{outcome.difference}")

    assert wrong == []


def used_by(case: Case, language: str, databases: Databases) -> list[str]:
    """Return the rules that may be switched off and change the plan of a case."""
    used: set[str] = set()

    def watched(rule: rules.Rule) -> rules.Rule:
        @wraps(rule)
        def watch(plan: Plan) -> Plan:
            found = rule(plan)
            if found != plan:
                used.add(rule.__name__)
            return found

        return watch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "RULES", tuple(map(watched, rules.RULES)))
        run_case(case, language, databases)
    return sorted(used & rules.OPTIONAL)

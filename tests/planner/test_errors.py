"""Drawings of the planner's errors, in golden files by code, and their pages in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.fields import bound
from support.golden import check_cases, read_cases

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner import errors
from btql_planner.binding.elsewhere import UNNEST, WAYS_OUT
from btql_planner.functions import functions
from btql_planner.lint import lint
from btql_planner.lowering.lower import lower
from btql_planner.options import QueryOptions, settled
from btql_planner.rules import apply_rules

FOLDER = Path(__file__).parent / "errors"
FILES = sorted(FOLDER.glob("*.test"))
CODES = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}


def drawing(query: str) -> str:
    try:
        rewritten = apply_rules(bound(query).plan)
        statement = parse(query)
        if isinstance(statement, tree.Query):
            lint(statement, rewritten, mode=settled(QueryOptions(lint="off"), statement).lint, previews=False)
        lower(rewritten)
    except BtqlError as error:
        error.source = Source(query)
        return error.render()
    return "no error"


def test_every_code_has_a_file() -> None:
    # What object a query is about is looked up by the database, not by the planner, and so are versions and rows.
    elsewhere = {errors.UNKNOWN_SOURCE, errors.UNREADABLE_VERSION, errors.TOO_MANY_ROWS, errors.SEVERAL_ROWS}
    assert {file.stem for file in FILES} == CODES - elsewhere


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_drawings(file: Path, update: bool) -> None:
    check_cases(file, drawing, update=update)
    assert all(case.expected.startswith(f"error[{file.stem}]") for case in read_cases(file))


@pytest.mark.parametrize("written", sorted(set(WAYS_OUT.values())))
def test_what_stands_for_a_function_of_another_database_can_be_written(written: str) -> None:
    assert drawing(f"SELECT {written} FROM project_logs('p')") == "no error"


def test_no_function_is_taken_for_one_of_another_database() -> None:
    ours = {name for name, function in functions().items() if not function.hidden}

    assert ours.isdisjoint({*WAYS_OUT, *UNNEST})


def test_unknown_names_are_null_with_a_warning() -> None:
    warnings = bound("select: metadta.model, nope from: project_logs('p')").warnings

    assert warnings == (
        "no row has a field `metadta`, it is null everywhere, did you mean `metadata`?",
        "no row has a field `nope`, it is null everywhere",
    )


def test_what_looks_into_a_text_as_into_an_array_is_null_or_false_with_a_warning() -> None:
    (inside,) = bound("SELECT contains(input::text, 'a'), includes(input, 'a'), includes(tags, 'a') FROM p").warnings
    (path,) = bound("SELECT json_extract(input, '$.a.b'), json_extract(input, 'a.b') FROM p").warnings

    assert "`input::text` is a text and has no elements" in inside
    assert "`json_extract` takes `$.a.b` as one key, not as a path" in path


def test_a_list_that_is_compared_with_a_text_warns_of_it_and_says_how_an_element_is_asked_for():
    (btql,) = bound("select: id from: project_logs('p') filter: tags = \"it's\"").warnings
    (sql,) = bound("SELECT id FROM p WHERE 'a' <> p.span_parents").warnings

    assert btql == "`tags` is a list, and equal to no text: for an element of it write `tags IN ('it''s')`"
    assert sql.endswith("write `p.span_parents IN ('a')`")
    assert bound("SELECT id FROM p WHERE tags = ['a'] OR tags[0] = 'a' OR tags IN ('a')").warnings == ()


def test_fields_that_a_function_reads_by_itself_are_not_warned_of():
    assert bound("SELECT estimated_cost() FROM p").warnings == ()


def test_a_slip_of_a_key_without_its_field_is_shown_with_it():
    warnings = bound("select: modle, model2.x from: project_logs('p')").warnings

    assert warnings == (
        "no row has a field `modle`, it is null everywhere, did you mean `metadata.model`?",
        "no row has a field `model2`, it is null everywhere, did you mean `metadata.model`?",
    )


def test_so_is_one_of_a_summary_and_of_a_relation_among_several():
    of_traces = bound("select: total_token, weightet from: project_logs('p') summary weighted_scores: 1 as weighted")
    joined = bound("SELECT a.modle FROM project_logs('p') AS a JOIN experiment('e') AS b ON a.id = b.id")

    assert [each.partition("did you mean ")[2] for each in of_traces.warnings] == [
        "`metrics.total_tokens`?",
        "`scores.weighted`?",
    ]
    assert [each.partition("did you mean ")[2] for each in joined.warnings] == ["`metadata.model`?"]

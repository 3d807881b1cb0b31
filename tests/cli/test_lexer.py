"""Highlighting: every character is kept, and words get their colour from where they stand."""

from hypothesis import given
from hypothesis import strategies as st
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from btql.cli.lexer import BtqlLexer
from btql.cli.words import CLAUSES
from btql_grammar.lexer import CLAUSES as GRAMMAR_CLAUSES

LEXER = BtqlLexer(ensurenl=False, stripnl=False)


def _kinds(text: str) -> dict[str, object]:
    return {value: kind for kind, value in LEXER.get_tokens(text)}


def test_clauses_are_keywords_before_their_colon_only():
    kinds = _kinds("select: sort, metadata.filter | filter: limit > 3")

    assert kinds["select"] is Keyword
    assert kinds["sort"] is Name
    assert kinds["limit"] in (Name, Keyword)


def test_a_piece_of_a_path_is_never_a_keyword():
    assert _kinds("metadata.from")["from"] is Name.Attribute
    assert _kinds("scores.null")["null"] is Name.Attribute


def test_sql_functions_strings_and_comments():
    kinds = _kinds("SELECT count(1) FROM project_logs('it''s') WHERE a MATCH 'x' -- why")

    assert kinds["SELECT"] is Keyword
    assert kinds["count"] is Name.Function
    assert kinds["project_logs"] is Name.Class
    assert kinds["'it''s'"] is String.Single
    assert kinds["MATCH"] is Operator.Word
    assert kinds["-- why"] is Comment.Single


def test_every_clause_is_known():
    assert set(CLAUSES) == set(GRAMMAR_CLAUSES)
    for clause in CLAUSES:
        assert _kinds(f"{clause}: a")[clause] is Keyword


def test_the_whole_of_both_languages():
    kinds = _kinds(
        "WITH q AS (SELECT a::numeric ->> 'b', sum(x) OVER (PARTITION BY y) FROM t LEFT JOIN u ON z /* why\nnot */)"
        " | sample: 25% seed 4 | sort: a desc nulls first"
    )

    for word in ("WITH", "AS", "OVER", "PARTITION", "LEFT", "JOIN", "ON", "seed", "desc", "nulls", "first"):
        assert kinds[word] is Keyword, word
    assert kinds["numeric"] is Keyword.Type
    assert kinds["->>"] is Operator
    assert kinds["25%"] is Number
    assert kinds["/* why\nnot */"] is Comment.Multiline


def test_an_open_string_reaches_to_the_end():
    assert _kinds("filter: a = 'x; y")["'x; y"] is String.Single


@given(st.text())
def test_every_character_is_kept(text):
    # Pygments turns line ends into one kind before it starts.
    expected = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")

    assert "".join(value for _, value in LEXER.get_tokens(text)) == expected

"""Probes as queries of Tantivy, and what the dictionary says beforehand of how much they will find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, assert_never, cast

import tantivy

from btql_storage.fields import INDEXED_FIELDS
from btql_storage.text.lexicon import Lexicon, starting_with
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Without, Word, leaves

if TYPE_CHECKING:
    from btql_storage.text.probe import TextProbe

ROW = "row"
TERMS_MAX = 2_000
"""A word with more terms than this is taken to be anywhere."""
FEW_ROWS = 200
"""So few rows are rather checked than sought further."""

Lexicons: TypeAlias = Callable[[str], Lexicon]


class _Counted(Protocol):
    """A result of Tantivy, whose own declaration of it leaves this out."""

    count: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe as a query."""

    query: tantivy.Query
    rows_max: int
    """No more rows than this are hits."""
    exact: bool = False
    """That many rows are hits."""

    def count(self, searcher: tantivy.Searcher) -> int:
        """Return how many rows are hits."""
        if self.exact:
            return self.rows_max
        return cast("_Counted", searcher.search(self.query, limit=1, count=True)).count


@cache
def schema(*, has_positions: bool = True) -> tantivy.Schema:
    """Return the fields of an index: the texts, and the number of the row."""
    builder = tantivy.SchemaBuilder()
    option: Literal["position", "basic"] = "position" if has_positions else "basic"
    for name in INDEXED_FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name="whitespace", index_option=option)
    builder.add_unsigned_field(ROW, fast=True)
    return builder.build()


def asked_of(probe: TextProbe, searcher: tantivy.Searcher, lexicons: Lexicons) -> Asked | None:
    """Return a probe as a query, None where it would find nearly everything."""
    match probe:
        case Phrase():
            return _phrase(probe, searcher)
        case Word():
            return _word(probe, searcher, lexicons)
        case AllOf():
            return _all_of(probe, searcher, lexicons)
        case AnyOf():
            return _any_of(probe, searcher, lexicons)
        case Without():
            return None
        case _:
            assert_never(probe)


_NOTHING = Asked(tantivy.Query.empty_query(), 0, exact=True)


def _phrase(phrase: Phrase, searcher: tantivy.Searcher) -> Asked:
    field, tokens = phrase.field, phrase.tokens
    assert field in INDEXED_FIELDS, f"{field} is not indexed"
    # The rarest token bounds the number of hits, and often ends the search.
    rows_max = min((searcher.doc_freq(field, token) for token in tokens), default=0)
    if not rows_max:
        return _NOTHING
    if len(tokens) == 1:
        return Asked(tantivy.Query.term_query(schema(), field, tokens[0], "basic"), rows_max, exact=True)
    return Asked(tantivy.Query.phrase_query(schema(), field, list(tokens)), rows_max)


def _word(word: Word, searcher: tantivy.Searcher, lexicons: Lexicons) -> Asked | None:
    known = starting_with(searcher, word.field, word.pieces)
    if known is None:
        lexicon = lexicons(word.field)
        numbers = lexicon.find(word.pieces)
        if len(numbers) > TERMS_MAX:
            return None
        known = list(zip(lexicon.terms(numbers), lexicon.rows[numbers].tolist(), strict=True))
    if len(known) > TERMS_MAX:
        return None
    if not known:
        return _NOTHING
    terms = [term for term, _ in known]
    rows_max = sum(rows for _, rows in known)
    return Asked(tantivy.Query.term_set_query(schema(), word.field, terms), min(rows_max, searcher.num_docs))


def _all_of(probe: AllOf, searcher: tantivy.Searcher, lexicons: Lexicons) -> Asked | None:
    asked: list[Asked] = []
    without = [_phrase(each.phrase, searcher).query for each in probe.probes if isinstance(each, Without)]
    # Words look through the dictionary, which is worth it as long as the rest leaves many rows.
    for each in sorted(probe.probes, key=lambda each: any(isinstance(leaf, Word) for leaf in leaves(each))):
        if isinstance(each, Word) and asked and min(one.rows_max for one in asked) <= FEW_ROWS:
            continue
        one = asked_of(each, searcher, lexicons)
        if one is not None:
            if not one.rows_max:
                return _NOTHING
            asked.append(one)
    if not asked or (len(asked) == 1 and not without):
        return asked[0] if asked else None
    queries = [(tantivy.Occur.Must, one.query) for one in asked]
    queries += [(tantivy.Occur.MustNot, query) for query in without]
    return Asked(tantivy.Query.boolean_query(queries), min(one.rows_max for one in asked))


def _any_of(probe: AnyOf, searcher: tantivy.Searcher, lexicons: Lexicons) -> Asked | None:
    asked: list[Asked] = []
    for each in probe.probes:
        one = asked_of(each, searcher, lexicons)
        if one is None:
            return None
        if one.rows_max:
            asked.append(one)
    if len(asked) < 2:
        return asked[0] if asked else _NOTHING
    query = tantivy.Query.boolean_query([(tantivy.Occur.Should, one.query) for one in asked])
    return Asked(query, min(sum(one.rows_max for one in asked), searcher.num_docs))

"""Probes as queries of Tantivy, and what the dictionary says beforehand of how much they will find.

Of a row whose input is a delta (:mod:`btql_storage.part.deltas`) the index has what it adds to its base, in a field of
its own, so each message of a conversation is indexed once. What a query finds here are the rows that say something
themselves; those that go on from them are added afterwards (:mod:`btql_storage.text.chains`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, assert_never, cast

import tantivy

from btql_storage.fields import INDEXED_FIELDS
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.text.lexicon import starting_with
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Without, Word, leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql_storage.text.opened import Opened
    from btql_storage.text.probe import TextProbe

ROW = "row"
_WORDS = f"{DELTA_FIELD}_words"
"""Format 5 has all words of rows that go on from others here. Nobody asks for them any more, nor writes them."""
ADDED = f"{DELTA_FIELD}_added"
"""What a row adds to the one that it goes on from."""
TERMS_MAX = 2_000
"""A word with more terms than this is taken to be anywhere."""
FEW_ROWS = 200
"""So few rows are rather checked than sought further."""


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

    def between(self, ranges: Sequence[tuple[int, int]]) -> Asked:
        """Return a query for the hits whose row is in one of some ranges, which have their ends."""
        number = tantivy.FieldType.Unsigned
        inside = [tantivy.Query.range_query(schema(), ROW, number, first, last) for first, last in ranges]
        any_of = tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in inside])
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, self.query), (tantivy.Occur.Must, any_of)])
        return Asked(both, min(self.rows_max, sum(last - first + 1 for first, last in ranges)))


@cache
def schema(*, has_positions: bool = True) -> tantivy.Schema:
    """Return the fields of an index: the texts, and the number of the row."""
    builder = tantivy.SchemaBuilder()
    option: Literal["position", "basic"] = "position" if has_positions else "basic"
    for name in INDEXED_FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name="whitespace", index_option=option)
    builder.add_unsigned_field(ROW, fast=True)
    # These are last: indexes from before there were deltas have the same fields up to here.
    builder.add_text_field(_WORDS, stored=False, tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field(ADDED, stored=False, tokenizer_name="whitespace", index_option=option)
    return builder.build()


def asked_of(probe: TextProbe, index: Opened) -> Asked | None:
    """Return a probe as a query, None where it would find nearly everything."""
    match probe:
        case Phrase():
            return _phrase(probe, index)
        case Word():
            return _word(probe, index)
        case AllOf():
            return _all_of(probe, index)
        case AnyOf():
            return _any_of([asked_of(each, index) for each in probe.probes], index)
        case Without():
            return None
        case _:
            assert_never(probe)


_NOTHING = Asked(tantivy.Query.empty_query(), 0, exact=True)


def _phrase(phrase: Phrase, index: Opened) -> Asked:
    field, tokens = phrase.field, phrase.tokens
    assert field in INDEXED_FIELDS, f"{field} is not indexed"
    ask = _term if len(tokens) == 1 else _in_order
    asked = _any_of([ask(name, tokens, index) for name in index.fields(field)], index)
    assert asked is not None, "all of them find something or nothing"
    # No row has both fields, so what each of them counts can be summed up.
    return replace(asked, exact=len(tokens) == 1 or not asked.rows_max)


def _term(name: str, tokens: tuple[str, ...], index: Opened) -> Asked:
    (token,) = tokens
    rows = index.searcher.doc_freq(name, token)
    return Asked(tantivy.Query.term_query(schema(), name, token, "basic"), rows, exact=True) if rows else _NOTHING


def _in_order(name: str, tokens: tuple[str, ...], index: Opened) -> Asked:
    # The rarest token bounds the number of hits, and often ends the search.
    rows_max = min((index.searcher.doc_freq(name, token) for token in tokens), default=0)
    return Asked(tantivy.Query.phrase_query(schema(), name, list(tokens)), rows_max) if rows_max else _NOTHING


def _word(word: Word, index: Opened) -> Asked | None:
    return _any_of([_word_in(name, word, index) for name in index.fields(word.field)], index)


def _word_in(name: str, word: Word, index: Opened) -> Asked | None:
    known = starting_with(index.searcher, name, word.pieces)
    if known is None:
        lexicon = index.lexicon(name)
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
    return Asked(tantivy.Query.term_set_query(schema(), name, terms), min(rows_max, index.searcher.num_docs))


def _all_of(probe: AllOf, index: Opened) -> Asked | None:
    asked: list[Asked] = []
    without = [_phrase(each.phrase, index).query for each in probe.probes if isinstance(each, Without)]
    # Words look through the dictionary, which is worth it as long as the rest leaves many rows.
    for each in sorted(probe.probes, key=lambda each: any(isinstance(leaf, Word) for leaf in leaves(each))):
        if isinstance(each, Word) and asked and min(one.rows_max for one in asked) <= FEW_ROWS:
            continue
        one = asked_of(each, index)
        if one is not None:
            if not one.rows_max:
                return _NOTHING
            asked.append(one)
    if not asked or (len(asked) == 1 and not without):
        return asked[0] if asked else None
    queries = [(tantivy.Occur.Must, one.query) for one in asked]
    queries += [(tantivy.Occur.MustNot, query) for query in without]
    return Asked(tantivy.Query.boolean_query(queries), min(one.rows_max for one in asked))


def _any_of(asked: Sequence[Asked | None], index: Opened) -> Asked | None:
    found: list[Asked] = []
    for one in asked:
        if one is None:
            return None
        if one.rows_max:
            found.append(one)
    if len(found) < 2:
        return found[0] if found else _NOTHING
    query = tantivy.Query.boolean_query([(tantivy.Occur.Should, one.query) for one in found])
    return Asked(query, min(sum(one.rows_max for one in found), index.searcher.num_docs))

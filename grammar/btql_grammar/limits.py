"""How large a text may be: the bounds that keep every text's reading within a second.

The number of characters and the nesting of brackets are checked in
:mod:`btql_grammar.scan`, before anything is cut into tokens. The number of tokens
is counted by the two lexers as they go, so a text of a million operators is given
up after the first few of them. An IN list of twenty thousand values fits.
"""

from __future__ import annotations

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span

TOKENS_MAX = 50_000
"""Words, values and symbols of one text; comments and space do not count."""


def too_many_tokens(span: Span) -> BtqlError:
    """Return the error for the token that is one too many, at ``span``."""
    return BtqlError.of(
        "B0107",
        f"the query has more than {TOKENS_MAX:,} words and symbols",
        span,
        "too long from here",
        help="split the query, or replace a long list of values by a filter that says the same",
    )

"""``--on-error reject FILE`` takes one more word than options do."""

import pytest

from btql.cli.storing import spread


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["db", "o", "f"], ["db", "o", "f"]),
        (["db", "--on-error", "skip", "f"], ["db", "--on-error=skip", "f"]),
        (["--on-error", "reject", "bad", "db", "o", "f"], ["--on-error=reject", "--rejects=bad", "db", "o", "f"]),
        (["db", "o", "f", "--on-error=reject", "bad"], ["db", "o", "f", "--on-error=reject", "--rejects=bad"]),
        (["db", "o", "f", "--on-error", "reject"], ["db", "o", "f", "--on-error=reject"]),
        (["db", "o", "f", "--on-error"], ["db", "o", "f", "--on-error"]),
        (["--", "--on-error", "reject"], ["--", "--on-error", "reject"]),
    ],
)
def test_words(words, expected):
    assert spread(words) == expected

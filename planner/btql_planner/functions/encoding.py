"""Texts as digests and as other spellings of their bytes."""

from __future__ import annotations

from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.functions.declare import Integer, Text, scalar


@scalar
def md5(value: Text) -> Text:
    """Return the MD5 digest of a text, in hexadecimal.

    >>> md5('a')
    '0cc175b9c0f1b6a831c399e269772661'
    """
    return f"md5({value})"


@scalar
def sha256(value: Text) -> Text:
    """Return the SHA-256 digest of a text, in hexadecimal.

    >>> left(sha256('a'), 8)
    'ca978112'
    """
    return f"encode(sha256({value}), 'hex')"


def _form(name: str, form: str) -> str:
    written = written_text(form)
    if written is None or written.lower() not in ("hex", "base64"):
        raise ArgumentError(f"{name} takes 'hex' or 'base64'", 1)
    return f"'{written.lower()}'"


@scalar(python=True)
def encode(value: Text, form: Text) -> Text:
    """Return the UTF-8 bytes of a text in ``'hex'`` or ``'base64'``.

    >>> encode('aä', 'hex')
    '61c3a4'
    """
    return f"btql_encode({value}, {_form('encode', form)})"


@scalar(python=True)
def decode(value: Text, form: Text) -> Text:
    """Return the text whose UTF-8 bytes are spelled in ``'hex'`` or ``'base64'``; null where there is none.

    >>> decode('YcOk', 'base64')
    'aä'
    """
    return f"btql_decode({value}, {_form('decode', form)})"


@scalar
def to_hex(value: Integer) -> Text:
    """Return a whole number in hexadecimal.

    >>> to_hex(255)
    'ff'
    """
    return f"to_hex({value})"

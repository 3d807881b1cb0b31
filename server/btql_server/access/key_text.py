"""The text of a key: how it is made, and how it is compared with what is stored of it.

``sk-`` and 12 hexadecimal digits, the **prefix**, which is no secret: it is shown in lists and finds the key. After
a ``_``, 32 random bytes, the secret.

Stored is the SHA-256 of the whole text. A slow hash, as for passwords, would add nothing: nobody guesses 256 random
bits, however fast each guess is checked; and it would cost every request its time. The prefix finds the row, and
the hash is compared in constant time, so how long a refusal takes tells nothing about any secret. An unknown prefix is
compared with a hash that no text has, so as to take the same way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_PREFIX = re.compile(r"sk-[0-9a-f]{12}")
_KEY = re.compile(rf"({_PREFIX.pattern})_[\w-]{{43}}", re.ASCII)
_NO_HASH = bytes(32)


def new_key() -> str:
    """Return the text of a new key."""
    return f"sk-{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def prefix_of(text: str) -> str | None:
    """Return the prefix of a key, which may also be the prefix alone; None for what cannot be a key."""
    if _PREFIX.fullmatch(text):
        return text
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def hash_of(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


def matches(key: str, stored: bytes | None) -> bool:
    """Tell whether a key has the hash that is stored for its prefix, if any is; always in the same time."""
    return hmac.compare_digest(hash_of(key), _NO_HASH if stored is None else stored)

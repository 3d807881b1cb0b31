"""What is stored so that the owner of a key can prove to have it without sending it (SCRAM-SHA-256, RFC 7677).

A verifier is made when a key is made, as only its text can make one. From what is stored nobody can get back to the
key, nor prove to have it.

All keys of one database share a salt. It need not be secret, and it need not differ between keys: they are 256 random
bits, which nobody guesses. Since it is shared, a client may prove any of several keys without having said which, and
everybody is asked the same, whether there is a user of that name or not.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

ITERATIONS = 4_096
"""The fewest that the standard allows: keys are not guessed, however cheap a guess is."""
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a proof is checked with."""

    salt: bytes
    stored_key: bytes
    server_key: bytes


def make_verifier(key: str, salt: bytes) -> Verifier:
    """Return the verifier of a key."""
    salted = hashlib.pbkdf2_hmac("sha256", key.encode(errors="surrogatepass"), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return Verifier(salt, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256"))


def proves(verifier: Verifier, conversation: bytes, proof: bytes) -> bool:
    """Tell whether a proof was made with the key, for this conversation."""
    if len(proof) != len(verifier.stored_key):
        return False
    signature = hmac.digest(verifier.stored_key, conversation, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), verifier.stored_key)


def answer(verifier: Verifier, conversation: bytes) -> bytes:
    """Return what proves to the client that the server knows the key."""
    return hmac.digest(verifier.server_key, conversation, "sha256")

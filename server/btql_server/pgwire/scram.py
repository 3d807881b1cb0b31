"""The server's side of a SCRAM-SHA-256 exchange (RFC 5802, 7677), with channel binding (RFC 5929) over TLS.

1. The client says whether it binds to the channel, and draws a nonce.
2. The server adds to the nonce, and tells salt and iterations: the same for everybody.
3. The client proves that it has a key, for exactly this conversation; over TLS, also on exactly this channel, so that
   nobody can stand between the two.

Which of several keys was proved is found out by trying them (:mod:`btql_server.access.verifier`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable
from typing import TypeVar

from btql_server.access.verifier import ITERATIONS, Verifier, answer, proves
from btql_server.pgwire.requests import Violation

PLAIN = "SCRAM-SHA-256"
PLUS = "SCRAM-SHA-256-PLUS"
_T = TypeVar("_T")


class Exchange:
    """One exchange; ``binding`` is the hash of the server's certificate, None where the channel cannot be bound to."""

    def __init__(self, mechanism: str, binding: bytes | None, salt: bytes) -> None:
        self._plus = mechanism == PLUS
        self._binding = binding
        self._salt = salt
        self._header = b""
        self._first = b""
        self._second = b""
        self._nonce = b""

    def begin(self, data: bytes) -> bytes:
        """Take the client's first message; return the server's."""
        parts = data.split(b",", 2)
        if len(parts) != 3:
            raise Violation("malformed SCRAM message")
        flag, name, self._first = parts
        self._check_flag(flag)
        if name and not name.startswith(b"a="):
            raise Violation("malformed SCRAM message: bad authorization identity")
        self._header = flag + b"," + name + b","
        fields = self._first.split(b",")
        if len(fields) < 2 or not fields[0].startswith(b"n=") or not fields[1].startswith(b"r="):
            raise Violation("malformed SCRAM message: expected user and nonce")
        nonce = fields[1][2:]
        if not nonce or not all(0x21 <= byte <= 0x7E for byte in nonce):
            raise Violation("non-printable characters in SCRAM nonce")
        self._nonce = nonce + base64.b64encode(secrets.token_bytes(18))
        salt = base64.b64encode(self._salt)
        self._second = b"r=" + self._nonce + b",s=" + salt + b",i=" + str(ITERATIONS).encode()
        return self._second

    def _check_flag(self, flag: bytes) -> None:
        if self._plus:
            if flag != b"p=tls-server-end-point":
                raise Violation("unsupported SCRAM channel-binding type")
        elif flag == b"y":
            # The client believes that the server cannot bind to the channel: somebody has changed what it was offered.
            if self._binding is not None:
                raise Violation("SCRAM channel binding negotiation error")
        elif flag != b"n":
            raise Violation("the client selected SCRAM-SHA-256 without channel binding, but sent data of a binding")

    def finish(self, data: bytes, candidates: Iterable[tuple[_T, Verifier]]) -> tuple[_T, bytes] | None:
        """Take the client's proof; return whose it is and the server's last message; None for a wrong one."""
        without, found, proof_text = data.rpartition(b",p=")
        fields = without.split(b",")
        if not found or len(fields) < 2 or not fields[0].startswith(b"c=") or not fields[1].startswith(b"r="):
            raise Violation("malformed SCRAM message: expected binding, nonce and proof")
        bound = self._header + (self._binding or b"" if self._plus else b"")
        if _decoded(fields[0][2:]) != bound:
            raise Violation("SCRAM channel binding check failed")
        if not hmac.compare_digest(fields[1][2:], self._nonce):
            raise Violation("invalid SCRAM response: nonce does not match")
        proof = _decoded(proof_text)
        conversation = b",".join((self._first, self._second, without))
        proved = None
        # All are tried, whichever it is: the time tells nothing.
        for each, verifier in candidates:
            if proves(verifier, conversation, proof):
                proved = each, verifier
        if proved is None:
            return None
        return proved[0], b"v=" + base64.b64encode(answer(proved[1], conversation))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Violation("malformed SCRAM message: bad base64") from None

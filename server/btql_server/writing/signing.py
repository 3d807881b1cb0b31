"""Signed addresses: URLs that let whoever has them do one thing, for a while, without a key.

A token is a JSON list (purpose, time of expiry, whatever else the purpose needs) and its HMAC. The secret is made
once, beside the database's files, so that all processes of a server, and a restarted one, know each other's tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

import msgspec

from btql_server.http.errors import HttpError
from btql_storage.errors import from_os_error
from btql_storage.stores.interface import AlreadyThere, Store

FILE = "signing.key"
_SECRET_BYTES = 32
_MAC_BYTES = 32
_payload = msgspec.json.Decoder(list[str | int]).decode


class Signer:
    """Makes and reads tokens."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, purpose: str, *fields: str | int, valid_s: int) -> str:
        """Return a token; it fits into a path."""
        payload = msgspec.json.encode([purpose, int(time.time()) + valid_s, *fields])
        return urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def read(self, purpose: str, token: str) -> list[str | int]:
        """Return the fields of a token; Forbidden where it was not made here, for something else, or too long ago."""
        try:
            signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            signed = b""
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise HttpError(403, "the address is not one that this server has signed")
        signed_for, expires, *fields = _payload(payload)
        if signed_for != purpose:
            raise HttpError(403, f"the address was signed for something else: to {signed_for}, not to {purpose}")
        if int(expires) < time.time():
            raise HttpError(403, "the address has expired: ask for a new one")
        return fields

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, hashlib.sha256)


def secret_at(store: Store) -> bytes:
    """Return the secret of a database over services, made where there is none yet."""
    with suppress(AlreadyThere):
        if store.read(FILE) is None:
            store.put(FILE, secrets.token_bytes(_SECRET_BYTES))
    secret = store.read(FILE)
    assert secret is not None, "nobody removes it"
    return secret


def secret_in(folder: Path) -> bytes:
    """Return the secret in a folder, made where there is none; of several processes that make one, the first wins."""
    path = folder / FILE
    try:
        if not path.exists():
            made = path.with_name(f".new-{os.getpid()}-{path.name}")
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
                file.flush()
                os.fsync(descriptor)
            try:
                path.hardlink_to(made)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        secret = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "make", path) from error
    assert len(secret) >= _SECRET_BYTES, f"`{path}` was cut short"
    return secret

"""TLS for the Postgres wire: the context of a server, and the hash that SCRAM binds to."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from btql.errors import Error

ALPN = "postgresql"
"""Who begins with TLS at once has to ask for this, so that no other protocol is taken for it."""
_SIGNATURES = {
    # The object identifiers of signature algorithms, as they stand in a certificate, to the hash of RFC 5929; those
    # with MD5 or SHA-1 bind by SHA-256.
    "2a864886f70d010104": "sha256",
    "2a864886f70d010105": "sha256",
    "2a864886f70d01010b": "sha256",
    "2a864886f70d01010c": "sha384",
    "2a864886f70d01010d": "sha512",
    "2a864886f70d01010e": "sha224",
    "2a8648ce3d0401": "sha256",
    "2a8648ce3d040301": "sha224",
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
}


class TlsError(Error):
    """Files that do not make a server of TLS."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server encrypts."""

    context: ssl.SSLContext
    binding: bytes | None
    """The hash of its certificate; None where its signature has no hash of its own."""


def load_tls(certificate: Path, key: Path) -> Tls:
    """Return what a certificate, with those that vouch for it, and its key make."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    try:
        context.load_cert_chain(certificate, key)
        text = certificate.read_text("ascii", errors="replace")
        begin = text.index("-----BEGIN CERTIFICATE-----")
        end = text.index("-----END CERTIFICATE-----", begin) + len("-----END CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(text[begin:end])
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        message = f"cannot use the certificate {certificate} with the key {key}: {str(reason).lower()}"
        raise TlsError(message) from None
    return Tls(context, binding_of(der))


def binding_of(der: bytes) -> bytes | None:
    """Return the hash of a certificate by which a client knows the channel (``tls-server-end-point``)."""
    name = _SIGNATURES.get(_signature(der))
    return None if name is None else hashlib.new(name, der).digest()


def _signature(der: bytes) -> str:
    """Return the identifier of the algorithm that a certificate is signed with, in hexadecimal."""
    # Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
    inside, _ = _element(der, 0)
    _, behind = _element(der, inside)
    algorithm, _ = _element(der, behind)
    start, end = _element(der, algorithm)
    return der[start:end].hex()


def _element(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of an element begins and ends."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size, start = int.from_bytes(der[start : start + count], "big"), start + count
    return start, start + size

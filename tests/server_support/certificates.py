"""A certificate for a server of tests, and the authority that has issued it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    """What a client trusts."""
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """What ``btql serve`` is told of them."""
        return "--tls-cert", str(self.certificate), "--tls-key", str(self.key)


def issued(folder: Path) -> Certificates:
    """Write a certificate for this machine into a folder."""
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(made.authority)
    certificate.private_key_pem.write_to_path(made.key)
    for each in certificate.cert_chain_pems:
        each.write_to_path(made.certificate, append=True)
    return made

"""No address that is shown has a password in it, however it was written."""

from __future__ import annotations

import pytest

from btql_storage.addresses import shown

SHOWN = {
    "postgresql://btql:secret@db/btql": "postgresql://btql:***@db/btql",
    "postgresql://btql:sec%40ret@db:5432/btql?sslmode=require": "postgresql://btql:***@db:5432/btql?sslmode=require",
    "redis://:secret@redis:6379/0": "redis://:***@redis:6379/0",
    "s3://b/p?catalog=postgresql://u:secret@h/d&redis=rediss://:secret@r": (
        "s3://b/p?catalog=postgresql://u:***@h/d&redis=rediss://:***@r"
    ),
    "s3://b?catalog=postgresql%3A%2F%2Fu%3Asec%26ret%40h%2Fd%3Fpassword%3Dsecret&redis=redis://:secret@h": (
        "s3://b?catalog=postgresql://u:***@h/d?password=***&redis=redis://:***@h"
    ),
    "postgresql://h/d?user=u&password=secret&sslmode=require": "postgresql://h/d?user=u&password=***&sslmode=require",
    "s3://b?aws_secret_access_key=secret": "s3://b?aws_secret_access_key=***",
    # Passwords that should have been encoded.
    "postgresql://u:sec/secret@h/d": "postgresql://u:***@h/d",
    "postgresql://u:sec@secret@h/d": "postgresql://u:***@h/d",
    "postgresql://u:sec&secret@h/d": "postgresql://u:***@h/d",
    "postgresql://u:123456@h/d": "postgresql://u:***@h/d",
    # Nothing to hide.
    "redis://redis:6379/0": "redis://redis:6379/0",
    "http://minio:9000/a@b": "http://minio:9000/a@b",
    "./traces": "./traces",
}


@pytest.mark.parametrize("address", SHOWN)
def test_an_address_is_shown_without_its_password(address):
    assert shown(address) == SHOWN[address]
    assert "secret" not in shown(address).replace("aws_secret_access_key", "")
    assert shown(shown(address)) == shown(address)

"""A project of its own for each test."""

from __future__ import annotations

from itertools import count

import pytest

_NUMBERS = count(1)


@pytest.fixture
def project(client):
    answer = client.post("/v1/project", json={"name": f"project {next(_NUMBERS)}"})
    assert answer.status_code == 200, answer.text
    return answer.json()

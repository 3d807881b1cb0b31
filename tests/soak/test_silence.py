"""A network that goes silent: nobody says that anything is wrong, and all that is known is that no answer comes.

Each service has its own time for that, of up to two minutes. So these wait beside all other tests, and end last.
"""

from __future__ import annotations

import subprocess
from collections import Counter

import pytest
from soak.silences import SERVICES, Silences
from storage_support.silent_child import LONGEST_S


@pytest.mark.turn(seconds=0)
@pytest.mark.parametrize("service", SERVICES)
def test_silence_ends_in_an_error_and_loses_nothing(silences: Silences, survived: Counter[str], service: str):
    child = silences[service]
    try:
        output, _ = child.communicate(timeout=2 * LONGEST_S)
    except subprocess.TimeoutExpired:
        child.kill()
        raise

    assert child.returncode == 0, output[-2_000:]
    survived[f"silences of {service}"] += 1

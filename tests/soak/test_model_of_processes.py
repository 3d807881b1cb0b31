"""Many histories of several opened databases, against the model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from soak.conftest import Turn
from storage_support.machine import Processes

_AT_ONCE = 5


@pytest.mark.turn(share=4)
def test_histories(turn: Turn, survived: Counter[str]):
    for _ in turn.seeds():
        run_state_machine_as_test(
            Processes,
            settings=settings(
                max_examples=_AT_ONCE,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
        survived["histories"] += _AT_ONCE

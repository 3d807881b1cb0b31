"""Many histories of several opened databases, against the model."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from soak.conftest import SECONDS
from storage_support.machine import Processes

_HISTORIES_A_SECOND = 0.1


def test_histories(survived: Counter[str]):
    count = max(5, int(SECONDS * _HISTORIES_A_SECOND))
    run_state_machine_as_test(
        Processes,
        settings=settings(
            max_examples=count,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    survived["histories"] += count

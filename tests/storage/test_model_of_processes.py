"""Several opened databases over one folder, called in any order, with faults, against the model."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from storage_support.machine import Processes

TestProcesses = Processes.TestCase
TestProcesses.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

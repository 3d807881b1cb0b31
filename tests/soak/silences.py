"""Processes that wait for silent services while other tests work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from server_support.s3_server import BUCKET, CREDENTIALS

TESTS = Path(__file__).parents[1]
SERVICES = ("redis", "postgres", "store")

Silences = Mapping[str, "subprocess.Popen[str]"]
"""By the service that is silent."""


def start(folder: Path, urls: Mapping[str, str]) -> Silences:
    """Start a process for each service, with a database of its own."""
    environment = os.environ | CREDENTIALS | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    silences: dict[str, subprocess.Popen[str]] = {}
    for service in SERVICES:
        own = {**urls, "postgres": f"{urls['postgres']}?schema=silent_{service}"}
        command = [
            *(sys.executable, "-m", "storage_support.silent_child", service),
            *(f"s3://{BUCKET}/silent-{service}", str(folder / service), json.dumps(own)),
        ]
        silences[service] = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    return silences

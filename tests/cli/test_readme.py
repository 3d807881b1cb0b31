"""The README's tour works word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return an empty folder with a ``bin`` that has the command ``btql``."""
    folder = tmp_path_factory.mktemp("readme")
    script = folder / "bin" / "btql"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m btql.cli "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.mark.slow
def test_the_tour(folder):
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            # Fewer spans than the reader makes: the tour is the same, and the test is quick.
            command = command.replace("--spans 20000", "--spans 2000")
            run = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
            if expected.startswith("error"):
                assert (run.returncode, run.stdout, run.stderr) == (1, "", expected), command
            else:
                assert run.returncode == 0, f"{command}\n{run.stderr}"

    (python,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    run = subprocess.run([sys.executable, "-c", python], cwd=folder, capture_output=True, text=True)
    assert run.stdout == "[{'id': '1', 'model': 'gpt-5', 'Factuality': 0.9}]\n", run.stderr

"""The commands of docs/keys-and-permissions.md, run in a shell, one after the other."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from btql_server.running import running
from btql_server.settings import Settings

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "keys-and-permissions.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the guide's commands use curl and jq")
def test_the_commands_do_what_the_guide_says(tmp_path):
    first, *others = BLOCKS
    with running(Settings(tmp_path / "traces", ("127.0.0.1", 0))) as url:
        script = "\n".join(["set -eu", first, *others, 'echo; echo "BOB $BOB"; btql keys list --data traces -f jsonl'])
        environment = os.environ | {"URL": url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert "ann@example.com" in done.stdout
    assert '"action":"revoke"' in done.stdout
    # Of the keys, one is revoked, and each level is as the guide says.
    listed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"key":')]
    assert sorted((key["owner"], key["level"]) for key in listed) == [
        ("ann@example.com", "admin"),
        ("ann@example.com", "read"),
        ("bob@example.com", "read"),
        ("ci", "write"),
        ("prometheus", "read"),
    ]

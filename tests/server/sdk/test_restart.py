"""A server that goes away while an SDK logs: rows are sent again, none is lost and none is there twice."""

from __future__ import annotations

import json
import signal
import time

import pytest
from server_support.clients import Api
from server_support.serving import btql_serve, new_key

pytestmark = pytest.mark.slow

ROWS = 250
"""More than two batches, which the SDKs send in parallel."""


RUNS = [("0.48.1", signal.SIGTERM), ("js", signal.SIGKILL)]


@pytest.mark.parametrize(("version", "how"), RUNS)
def test_rows_survive_a_restart(tmp_path, sdk_of, project, version, how):
    sdk = sdk_of(version)
    key = new_key(tmp_path / "db")
    with btql_serve(tmp_path / "db") as serving, Api(serving.url, key) as api:
        with sdk.start(api, "restart", project, str(ROWS), BRAINTRUST_NUM_RETRIES="6") as process:
            assert json.loads(process.stdout.readline()) == {"ready": "stopped"}
            serving.stop(how)
            process.stdin.write("stopped\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"ready": "flushing"}
            # The first try must fail; the SDKs wait for about a second before the next, and then for longer.
            time.sleep(0.3)
            serving.start()
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert "Dropping batch" not in err, err
        project_id = json.loads(out.splitlines()[-1])["project_id"]
        phases = api.query(
            f"dimensions: input.phase as phase | measures: count(1) as rows, count(distinct id) as ids, "
            f"sum(metadata.weight) as weight | from: project_logs('{project_id}') | sort: phase"
        )
        assert phases == [
            {"phase": phase, "rows": ROWS, "ids": ROWS, "weight": ROWS} for phase in ("after", "before", "meanwhile")
        ]

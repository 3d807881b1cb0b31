"""Log rows, some before the server goes away and some while it is away; say so, and flush all of them."""

import json
import sys

import braintrust

project, count = sys.argv[1], int(sys.argv[2])
logger = braintrust.init_logger(project=project)


def log(phase):
    for number in range(count):
        logger.log(id=f"{phase}-{number:04d}", input={"phase": phase, "n": number}, metadata={"weight": 1})


def wait_for(word):
    print(json.dumps({"ready": word}), flush=True)
    assert sys.stdin.readline().strip() == word


log("before")
logger.flush()
wait_for("stopped")
log("meanwhile")
print(json.dumps({"ready": "flushing"}), flush=True)
logger.flush()
log("after")
logger.flush()
print(json.dumps({"project_id": logger.project.id}))

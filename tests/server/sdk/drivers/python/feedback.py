"""Log a span, and say afterwards what people thought of it."""

import json
import sys

import braintrust

logger = braintrust.init_logger(project=sys.argv[1])

with logger.start_span(name="answer") as span:
    span.log(input="2+2", output="5", tags=["math"])
logger.flush()

logger.log_feedback(
    id=span.id,
    scores={"correct": 0, "kind": 1},
    expected="4",
    tags=["wrong", "math"],
    comment="off by one",
    metadata={"user": "ada"},
    source="app",
)
logger.log_feedback(id=span.id, comment="again off by one")
logger.flush()

print(json.dumps({"project_id": logger.project.id, "id": span.id}))

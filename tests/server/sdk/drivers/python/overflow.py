"""Log a row that is larger than what the server takes in one request, between small ones."""

import json
import sys

import braintrust

logger = braintrust.init_logger(project=sys.argv[1])
for name, size in (("small", 10), ("large", 300_000), ("last", 20)):
    with logger.start_span(name=name) as span:
        span.log(input="ä" * size, metadata={"size": size})
logger.flush()

print(
    json.dumps(
        {
            "project_id": logger.project.id,
            # Older generations send the row as it is.
            "uploads": getattr(braintrust.logger._state._global_bg_logger.get(), "_overflow_upload_count", None),
        }
    )
)

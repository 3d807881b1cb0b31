"""Log attachments of bytes, and read them back through the SDK."""

import json
import sys
from hashlib import sha256

import braintrust

project = sys.argv[1]
picture = bytes(range(256)) * 4_096

logger = braintrust.init_logger(project=project)
with logger.start_span(name="look") as span:
    span.log(
        input={
            "picture": braintrust.Attachment(data=picture, filename="gradient ü.png", content_type="image/png"),
            "deep": [{"empty": braintrust.Attachment(data=b"", filename="empty.txt", content_type="text/plain")}],
        },
    )
logger.flush()

dataset = braintrust.init_dataset(project=project, name="pictures")
dataset.insert(
    id="one",
    input={"picture": braintrust.Attachment(data=picture, filename="copy.png", content_type="image/png")},
    expected="a gradient",
)
dataset.flush()
(row,) = braintrust.init_dataset(project=project, name="pictures")
read = row["input"]["picture"]

print(
    json.dumps(
        {
            "project_id": logger.project.id,
            "sent": sha256(picture).hexdigest(),
            "read": sha256(read.data).hexdigest(),
            "reference": dict(read.reference),
            "status": read.status()["upload_status"],
        }
    )
)

"""A dataset that grows, changes and shrinks; and an older version of it that stays as it was."""

import json
import sys

import braintrust

project = sys.argv[1]


def rows(found):
    return sorted(
        ([row["id"], row["input"], row["expected"], row["metadata"], row["tags"]] for row in found),
        key=lambda row: row[0],
    )


dataset = braintrust.init_dataset(project=project, name="capitals", description="of countries")
dataset.insert(id="fr", input="France", expected="Paris", metadata={"eu": True}, tags=["eu"])
dataset.insert(id="de", input="Germany", expected="Bonn", metadata={"eu": True, "checked": None})
made = dataset.insert(input={"country": "Japan"}, expected=["Tokyo", "東京"])
dataset.flush()
before = rows(dataset)
version = braintrust.init_dataset(project=project, name="capitals").version

dataset.update(id="de", expected="Berlin", metadata={"checked": 1990})
dataset.delete("fr")
dataset.insert(id="pe", input="Peru", expected="Lima")
dataset.flush()
summary = json.loads(dataset.summarize().as_json())

now = braintrust.init_dataset(project=project, name="capitals")
pinned = braintrust.init_dataset(project=project, name="capitals", version=version)
print(
    json.dumps(
        {
            "dataset_id": dataset.id,
            "same_id": now.id,
            "made": made,
            "version": version,
            "before": before,
            "after": rows(now),
            "after_version": now.version,
            "pinned": rows(pinned),
            "summary": summary,
        }
    )
)

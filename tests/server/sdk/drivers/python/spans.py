"""Read the spans of a trace back by every filter that scorers have, and rows of a dataset by filters of one's own."""

import asyncio
import json
import sys
import time

import braintrust
from braintrust.trace import LocalTrace

project = sys.argv[1]
logger = braintrust.init_logger(project=project)
with logger.start_span(name="root", type="task") as root:
    with root.start_span(name="ask", type="llm", metadata={"model": "a", "deep": {"n": 1, "none": None}}):
        pass
    before = time.time() - 5
    with root.start_span(name="ask again", type="llm", start_time=before, metadata={"model": "b", "deep": {"n": 1.5}}):
        pass
    with root.start_span(name="look", type="tool", error="not found"):
        pass
    with root.start_span(name="judge", type="score", span_attributes={"purpose": "scorer"}) as judge:
        judge.log(scores={"good": 1})
    root_span_id = root.root_span_id
# A log record shares the ids of the span in which it is written.
with logger.start_span(name="talk") as talk:
    record = logger.error("{n} tries left", n=3, metadata={"host": "a1"})
logger.flush()

state = braintrust.logger._state


async def names(**filters):
    # A trace of its own for each question: what one has read, it answers by itself.
    trace = LocalTrace("project_logs", logger.project.id, root_span_id, None, state)
    found = await trace.get_spans(**filters)
    return sorted(span.span_attributes["name"] for span in found)


async def ask():
    return {
        "all": await names(),
        "with scorers": await names(include_scorers=True),
        "llm": await names(span_type=["llm"]),
        "two types": await names(span_type=["tool", "task"]),
        "by name": await names(filters={"name": ["ask", "look", "nothing"]}),
        "failed": await names(filters={"has_error": True}),
        "fine": await names(filters={"has_error": False}),
        "metadata": await names(filters={"metadata": {"model": "a"}}),
        "deep metadata": await names(filters={"metadata": {"deep": {"n": 1}}}),
        "no metadata": await names(filters={"metadata": {"deep": {"none": None}}}),
        "quick": await names(filters={"duration": {"max": 4.9}}),
        "slow": await names(filters={"duration": {"min": 4.9}}),
        "all of it": await names(filters={"span_type": ["llm"], "has_error": False, "metadata": {"model": "b"}}),
    }


dataset = braintrust.init_dataset(project=project, name="many")
for n in range(25):
    dataset.insert(id=f"{n:02}", input=n, expected=n % 3, metadata={"odd": bool(n % 2)})
dataset.flush()
odd = {"op": "eq", "left": {"op": "ident", "name": ["metadata", "odd"]}, "right": {"op": "literal", "value": True}}
by_id = [{"expr": {"op": "ident", "name": ["id"]}, "dir": "asc"}]
whole = braintrust.init_dataset(project=project, name="many")
filtered = braintrust.init_dataset(project=project, name="many", _internal_btql={"filter": odd, "sort": by_id})
limited = braintrust.init_dataset(project=project, name="many", _internal_btql={"sort": by_id, "limit": 4})

print(
    json.dumps(
        {
            "project_id": logger.project.id,
            "spans": asyncio.run(ask()),
            "record": record,
            "talk": {"span_id": talk.span_id, "root_span_id": talk.root_span_id},
            "filtered": [row["id"] for row in filtered],
            "paged": sorted(row["id"] for row in whole.fetch(batch_size=4)),
            "limited": [row["id"] for row in limited],
        }
    )
)

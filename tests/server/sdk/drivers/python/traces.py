"""Log one trace with nested spans, then change it after it ended, and go on with it from elsewhere."""

import json
import sys
from contextlib import suppress

import braintrust

logger = braintrust.init_logger(project=sys.argv[1])


@braintrust.traced(name="look up", type="tool")
def look_up(question):
    braintrust.current_span().log(metadata={"source": "atlas"})
    return {"found": question.upper()}


@braintrust.traced(name="fail", type="function")
def fail():
    raise ValueError("no such river")


with logger.start_span(name="request", type="task", input={"question": "longest river?"}, tags=["geo"]) as root:
    look_up("river")
    with root.start_span(name="answer", type="llm", input=[{"role": "user", "content": "longest river?"}]) as answer:
        answer.log(
            output={"role": "assistant", "content": "the Nile, 尼罗河"},
            metrics={"prompt_tokens": 12, "completion_tokens": 5, "tokens": 17},
            metadata={"model": "gpt-5-nano", "temperature": 0.5},
        )
    with suppress(ValueError):
        fail()
    root.log(output="the Nile", scores={"sure": 0.75})
logger.flush()

# Updates of rows that are stored already: by the span, by the id of its row, and by an exported slug.
root.log(metadata={"late": {"a": 1}}, tags=["late"])
braintrust.flush()
logger.update_span(id=root.id, metadata={"late": {"b": [1, None]}})
braintrust.flush()
slug = root.export()
braintrust.update_span(exported=slug, expected="the Nile")
braintrust.flush()

# Another process, or later: a child of a trace known by its slug alone.
with braintrust.start_span(name="elsewhere", parent=slug) as child:
    child.log(input=1, output=2)

# A second trace of one row, logged at once.
lone = logger.log(input="ping", output="pong", metadata={"n": 1}, allow_concurrent_with_spans=True)
braintrust.flush()

print(
    json.dumps(
        {
            "project_id": logger.project.id,
            "root": {"id": root.id, "span_id": root.span_id, "root_span_id": root.root_span_id},
            "lone": lone,
            "link": root.permalink(),
        }
    )
)

"""``Eval``: a task and scorers over a list of cases, then over a dataset of the server."""

import json
import sys

import braintrust

project = sys.argv[1]


def double(input, hooks):
    hooks.metadata["seen"] = input
    with braintrust.start_span(name="multiply", type="tool") as span:
        span.log(input=input, output=2 * input)
    return 2 * input


def exact(input, output, expected):
    return 1 if output == expected else 0


def near(input, output, expected):
    return {"name": "near", "score": 1 / (1 + abs(output - expected)), "metadata": {"off": output - expected}}


listed = braintrust.Eval(
    project,
    experiment_name="listed",
    data=lambda: [{"input": n, "expected": e, "metadata": {"n": n}} for n, e in ((1, 2), (2, 4), (3, 7))],
    task=double,
    scores=[exact, near],
    metadata={"kind": "list"},
)
dataset = braintrust.init_dataset(project=project, name="numbers")
for n in (10, 20):
    dataset.insert(input=n, expected=2 * n, id=f"n{n}", metadata={"n": n})
dataset.flush()
pinned = dataset.version
over = braintrust.Eval(
    project,
    experiment_name="over dataset",
    data=braintrust.init_dataset(project=project, name="numbers"),
    task=double,
    scores=[exact],
)


def described(result):
    summary = json.loads(result.summary.as_json())
    return {
        "name": result.summary.experiment_name,
        "scores": {name: score["score"] for name, score in summary["scores"].items()},
        "outputs": [[case.input, case.output, case.expected, case.scores] for case in result.results],
        "errors": [str(case.error) for case in result.results if case.error],
    }


print(json.dumps({"dataset_id": dataset.id, "version": pinned, "listed": described(listed), "over": described(over)}))

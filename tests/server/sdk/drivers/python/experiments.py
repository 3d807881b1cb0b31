"""Two experiments, the second compared with the first, and the first read back."""

import json
import sys

import braintrust

project = sys.argv[1]


def as_dict(summary):
    return json.loads(summary.as_json())


def run(name, answers, **options):
    experiment = braintrust.init(project=project, experiment=name, metadata={"model": name}, **options)
    for question, (output, right) in answers.items():
        experiment.log(
            id=f"{name}-{question}",
            input=question,
            output=output,
            expected="yes",
            scores={"right": right, "short": 0.5},
            metadata={"question": question},
            metrics={"tokens": len(output)},
        )
    with experiment.start_span(name="with spans", input="q3", expected="yes") as span:
        with span.start_span(name="judge", type="score") as judge:
            judge.log(output=1, scores={"right": 1})
        span.log(output="yes")
    return experiment


first = run("first", {"q1": ("no", 0), "q2": ("yes", 1)})
first_summary = as_dict(first.summarize())
second = run("second", {"q1": ("yes", 1), "q2": ("maybe", 0.25)}, base_experiment="first")
second_summary = as_dict(second.summarize())
again = braintrust.init(project=project, experiment="first")
braintrust_made = again.name
updated = braintrust.init(project=project, experiment="first", update=True)
updated_id = updated.id

read = braintrust.init(project=project, experiment="first", open=True)
cases = sorted(((case["input"], case["expected"]) for case in read.as_dataset()), key=str)
rows = sorted(read.fetch(), key=lambda row: row["id"])

print(
    json.dumps(
        {
            "project_id": first.project.id,
            "first": first.id,
            "second": second.id,
            "again": braintrust_made,
            "updated": updated_id,
            "read": read.id,
            "first_summary": first_summary,
            "second_summary": second_summary,
            "base": second.fetch_base_experiment()._asdict()
            if hasattr(second.fetch_base_experiment(), "_asdict")
            else vars(second.fetch_base_experiment()),
            "cases": cases,
            "rows": [
                {"id": row["id"], "input": row["input"], "output": row["output"], "scores": row["scores"]}
                for row in rows
            ],
        }
    )
)

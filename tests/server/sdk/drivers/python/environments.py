"""Load what an environment points to: a prompt, a dataset; and parameters of an evaluation."""

import json
import sys

import braintrust

project, slug, dataset_name, parameters_slug = sys.argv[1:]
prompt = braintrust.load_prompt(project=project, slug=slug, environment="production")
dataset = braintrust.init_dataset(project=project, name=dataset_name, environment="production")
newest = braintrust.init_dataset(project=project, name=dataset_name)
parameters = braintrust.load_parameters(project=project, slug=parameters_slug)
try:
    braintrust.load_prompt(project=project, slug=slug, environment="nowhere").build()
    missing = None
except Exception as error:
    missing = str(error)

print(
    json.dumps(
        {
            "prompt": prompt.build(name="Ada")["messages"][0]["content"],
            "prompt_version": prompt.version,
            "dataset": sorted(row["id"] for row in dataset),
            "newest": sorted(row["id"] for row in newest),
            "parameters": parameters.data,
            "parameters_version": parameters.version,
            "missing": missing,
        }
    )
)

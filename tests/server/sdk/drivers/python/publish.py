"""Publish a prompt twice and parameters once, and load them as they are in an environment, and as they are now."""

import json
import sys

import braintrust

project, environment = sys.argv[1:]


def publish(text):
    described = braintrust.projects.create(project)
    described.prompts.create(
        name="Greeter",
        slug="greeter",
        model="gpt-5-nano",
        messages=[{"role": "user", "content": text}],
        metadata={"team": "a"},
        tags=["polite"],
        if_exists="replace",
    )
    default = {"prompt": {"type": "completion", "content": text}}
    described.parameters.create(
        name="Settings", slug="settings", schema={"main": {"type": "prompt", "default": default}}, if_exists="replace"
    )
    return described.publish()["functions"]


def greeting(**more):
    prompt = braintrust.load_prompt(project=project, slug="greeter", **more)
    return prompt.build(name="Ada")["messages"][0]["content"]


def settings(**more):
    return braintrust.load_parameters(project=project, slug="settings", **more).data["main"]["prompt"]["content"]


first = publish("Hello {{name}}")
api = braintrust.logger.api_conn()
for kind, one in zip(("prompt", "function"), first, strict=True):
    path = f"environment-object/{kind}/{one['id']}"
    api.post_json(path, {"environment_slug": environment, "object_version": one["_xact_id"]})
publish("Bye {{name}}")

dataset = braintrust.init_dataset(project, "words")
dataset.insert(id="a", input="one", expected=1)
dataset.flush()
path = f"environment-object/dataset/{dataset.id}"
api.post_json(path, {"environment_slug": environment, "object_version": api.get("xact-id").text})
dataset.insert(id="b", input="two", expected=2)
dataset.flush()

print(
    json.dumps(
        {
            "greetings": [greeting(environment=environment), greeting(), greeting(version=first[0]["_xact_id"])],
            "settings": [settings(environment=environment), settings(), settings(version=first[1]["_xact_id"])],
            "rows": [
                [row["id"] for row in braintrust.init_dataset(project, "words", environment=environment)],
                sorted(row["id"] for row in braintrust.init_dataset(project, "words")),
            ],
        }
    )
)

"""Load a prompt, the newest and a pinned version, fill it in, and log a span that says which it was."""

import json
import sys

import braintrust

project, slug, version = sys.argv[1:]


def built(prompt):
    filled = prompt.build(city="Ulm")
    return {
        "id": prompt.id,
        "name": prompt.name,
        "slug": prompt.slug,
        "version": prompt.version,
        "model": filled["model"],
        "temperature": filled.get("temperature"),
        "messages": [dict(message) for message in filled["messages"]],
        "prompt_id": filled["span_info"]["metadata"]["prompt"]["id"],
    }


newest = braintrust.load_prompt(project=project, slug=slug)
pinned = braintrust.load_prompt(project=project, slug=slug, version=version)
missing = None
try:
    braintrust.load_prompt(project=project, slug="nobody-wrote-this").build()
except Exception as error:
    missing = f"{type(error).__name__}: {error}"

logger = braintrust.init_logger(project=project)
with logger.start_span(name="answer", type="llm") as span:
    span.log(output="fine", **newest.build(city="Bonn")["span_info"])
logger.flush()

versions = {}
# Older generations cannot list versions.
if hasattr(braintrust.logger, "get_prompt_versions"):
    for each in braintrust.logger.get_prompt_versions(logger.project.id, newest.id):
        prompt = braintrust.load_prompt(project=project, slug=slug, version=each)
        versions[each] = built(prompt)["messages"][0]["content"]

print(
    json.dumps(
        {
            "project_id": logger.project.id,
            "newest": built(newest),
            "pinned": built(pinned),
            "missing": missing,
            "versions": versions,
        }
    )
)

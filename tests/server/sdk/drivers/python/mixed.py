"""One trace of the SDK's spans and of OpenTelemetry's, each below the other; and a trace below an experiment."""

import json
import sys

import braintrust
from braintrust.otel import BraintrustSpanProcessor
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

project = sys.argv[1]
provider = TracerProvider()
processor = BraintrustSpanProcessor(parent=f"project_name:{project}")
provider.add_span_processor(processor)
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("mixed")

logger = braintrust.init_logger(project=project)
with logger.start_span(name="native root", input="q") as root:
    with tracer.start_as_current_span("otel child"):
        with braintrust.start_span(name="native grandchild") as grandchild:
            grandchild.log(output="a")

experiment = braintrust.init(project=project, experiment="mixed")
with experiment.start_span(name="case", input=1) as case:
    with tracer.start_as_current_span("otel in case"):
        pass
experiment.flush()
logger.flush()
processor.force_flush()

print(json.dumps({"project_id": logger.project.id, "experiment_id": experiment.id, "trace_id": root.root_span_id}))

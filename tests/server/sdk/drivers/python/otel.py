"""Export OpenTelemetry spans through Braintrust's span processor, one of them below a span of the SDK."""

import json
import sys

import braintrust
from braintrust.otel import BraintrustSpanProcessor
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

project = sys.argv[1]
provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
processor = BraintrustSpanProcessor(parent=f"project_name:{project}")
provider.add_span_processor(processor)
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop", "1.2.3")

with tracer.start_as_current_span("checkout", attributes={"braintrust.input": "basket", "shop.items": 3}) as root:
    with tracer.start_as_current_span("chat gpt-5-nano") as call:
        call.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-5-nano",
                "gen_ai.usage.input_tokens": 11,
                "gen_ai.usage.output_tokens": 7,
                "gen_ai.input.messages": json.dumps(
                    [{"role": "user", "parts": [{"type": "text", "content": "total?"}]}]
                ),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": "12 €"}], "finish_reason": "stop"}]
                ),
                "braintrust.scores": json.dumps({"polite": 0.5}),
                "braintrust.tags": ["checkout", "eu"],
            }
        )
    with tracer.start_as_current_span("pay") as pay:
        pay.set_attribute("braintrust.input_json", json.dumps({"cents": 1200}))
        pay.set_attribute("braintrust.output_json", json.dumps({"paid": False}))
        pay.set_status(Status(StatusCode.ERROR, "card refused"))
flushed = processor.force_flush()
provider.shutdown()

print(
    json.dumps(
        {
            "project_id": braintrust.init_logger(project=project).project.id,
            "flushed": flushed,
            "trace_id": trace.format_trace_id(root.get_span_context().trace_id),
            "root": trace.format_span_id(root.get_span_context().span_id),
            "pay": trace.format_span_id(pay.get_span_context().span_id),
        }
    )
)

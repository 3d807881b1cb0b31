// Export OpenTelemetry spans through Braintrust's span processor.
import { BraintrustSpanProcessor } from "@braintrust/otel";
import { SpanStatusCode, context, trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import * as braintrust from "braintrust";

const project = process.argv[2];
const processor = new BraintrustSpanProcessor({ parent: `project_name:${project}` });
const provider = new BasicTracerProvider({ spanProcessors: [processor] });
const tracer = provider.getTracer("shop", "1.2.3");

const root = tracer.startSpan("checkout", { attributes: { "braintrust.input": "basket", "shop.items": 3 } });
const below = trace.setSpan(context.active(), root);
const call = tracer.startSpan("chat gpt-5-nano", {}, below);
call.setAttributes({
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-5-nano",
  "gen_ai.usage.input_tokens": 11,
  "gen_ai.usage.output_tokens": 7,
  "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: "total?" }] }]),
  "gen_ai.output.messages": JSON.stringify([
    { role: "assistant", parts: [{ type: "text", content: "12 €" }], finish_reason: "stop" },
  ]),
  "braintrust.scores": JSON.stringify({ polite: 0.5 }),
  "braintrust.tags": ["checkout", "eu"],
});
call.end();
const pay = tracer.startSpan("pay", {}, below);
pay.setAttribute("braintrust.input_json", JSON.stringify({ cents: 1200 }));
pay.setAttribute("braintrust.output_json", JSON.stringify({ paid: false }));
pay.setStatus({ code: SpanStatusCode.ERROR, message: "card refused" });
pay.end();
root.end();
await processor.forceFlush();
await provider.shutdown();

const logger = braintrust.initLogger({ projectName: project });
console.log(
  JSON.stringify({
    project_id: (await logger.project).id,
    trace_id: root.spanContext().traceId,
    root: root.spanContext().spanId,
    pay: pay.spanContext().spanId,
  }),
);

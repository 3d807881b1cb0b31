// Log one trace with nested spans, then change it after it ended, and go on with it from elsewhere.
import * as braintrust from "braintrust";

const logger = braintrust.initLogger({ projectName: process.argv[2] });

const lookUp = braintrust.wrapTraced(
  async function lookUp(question) {
    braintrust.currentSpan().log({ metadata: { source: "atlas" } });
    return { found: question.toUpperCase() };
  },
  { name: "look up", type: "tool" },
);

const fail = braintrust.wrapTraced(
  async function fail() {
    throw new TypeError("no such river");
  },
  { name: "fail", type: "function" },
);

const root = await logger.traced(
  async (span) => {
    await lookUp("river");
    await span.traced(
      async (answer) => {
        answer.log({
          output: { role: "assistant", content: "the Nile, 尼罗河" },
          metrics: { prompt_tokens: 12, completion_tokens: 5, tokens: 17 },
          metadata: { model: "gpt-5-nano", temperature: 0.5 },
        });
      },
      { name: "answer", type: "llm", event: { input: [{ role: "user", content: "longest river?" }] } },
    );
    await fail().catch(() => {});
    span.log({ output: "the Nile", scores: { sure: 0.75 } });
    return span;
  },
  { name: "request", type: "task", event: { input: { question: "longest river?" }, tags: ["geo"] } },
);
await logger.flush();

// Updates of rows that are stored already: by the span, by the id of its row, and by an exported slug.
root.log({ metadata: { late: { a: 1 } }, tags: ["late"] });
await braintrust.flush();
logger.updateSpan({ id: root.id, metadata: { late: { b: [1, null] } } });
await braintrust.flush();
const slug = await root.export();
braintrust.updateSpan({ exported: slug, expected: "the Nile" });
await braintrust.flush();

// Another process, or later: a child of a trace known by its slug alone.
const child = braintrust.startSpan({ name: "elsewhere", parent: slug });
child.log({ input: 1, output: 2 });
child.end();

// A second trace of one row, logged at once.
const lone = logger.log({ input: "ping", output: "pong", metadata: { n: 1 } }, { allowConcurrentWithSpans: true });
await braintrust.flush();

console.log(
  JSON.stringify({
    project_id: (await logger.project).id,
    root: { id: root.id, span_id: root.spanId, root_span_id: root.rootSpanId },
    lone,
    link: await root.permalink(),
  }),
);

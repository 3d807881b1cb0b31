// Log a span, and say afterwards what people thought of it.
import * as braintrust from "braintrust";

const logger = braintrust.initLogger({ projectName: process.argv[2] });

const id = await logger.traced(
  async (span) => {
    span.log({ input: "2+2", output: "5", tags: ["math"] });
    return span.id;
  },
  { name: "answer" },
);
await logger.flush();

logger.logFeedback({
  id,
  scores: { correct: 0, kind: 1 },
  expected: "4",
  tags: ["wrong", "math"],
  comment: "off by one",
  metadata: { user: "ada" },
  source: "app",
});
logger.logFeedback({ id, comment: "again off by one" });
await logger.flush();

console.log(JSON.stringify({ project_id: (await logger.project).id, id }));

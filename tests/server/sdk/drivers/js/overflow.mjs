// Log a row that is larger than what the server takes in one request, between small ones.
import * as braintrust from "braintrust";

const logger = braintrust.initLogger({ projectName: process.argv[2] });
for (const [name, size] of [["small", 10], ["large", 300_000], ["last", 20]]) {
  await logger.traced(async (span) => span.log({ input: "ä".repeat(size), metadata: { size } }), { name });
}
await logger.flush();

console.log(JSON.stringify({ project_id: (await logger.project).id }));

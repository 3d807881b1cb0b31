// Log rows, some before the server goes away and some while it is away; say so, and flush all of them.
import { createInterface } from "node:readline";
import * as braintrust from "braintrust";

const [project, count] = [process.argv[2], Number(process.argv[3])];
const logger = braintrust.initLogger({ projectName: project });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function log(phase) {
  for (let number = 0; number < count; number += 1) {
    const id = `${phase}-${String(number).padStart(4, "0")}`;
    logger.log({ id, input: { phase, n: number }, metadata: { weight: 1 } });
  }
}

log("before");
await logger.flush();
console.log(JSON.stringify({ ready: "stopped" }));
await lines.next();
log("meanwhile");
console.log(JSON.stringify({ ready: "flushing" }));
await logger.flush();
log("after");
await logger.flush();
console.log(JSON.stringify({ project_id: (await logger.project).id }));
process.exit(0);

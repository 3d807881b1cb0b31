// `Eval`: a task and scorers over a list of cases, then over a dataset of the server.
import * as braintrust from "braintrust";

const project = process.argv[2];
const quiet = { start() {}, increment() {}, stop() {}, setTotal() {} };

async function double(input, hooks) {
  hooks.metadata.seen = input;
  await braintrust.traced(async (span) => span.log({ input, output: 2 * input }), { name: "multiply", type: "tool" });
  return 2 * input;
}

function exact({ output, expected }) {
  return output === expected ? 1 : 0;
}

function near({ output, expected }) {
  return { name: "near", score: 1 / (1 + Math.abs(output - expected)), metadata: { off: output - expected } };
}

const listed = await braintrust.Eval(
  project,
  {
    experimentName: "listed",
    data: () => [[1, 2], [2, 4], [3, 7]].map(([n, expected]) => ({ input: n, expected, metadata: { n } })),
    task: double,
    scores: [exact, near],
    metadata: { kind: "list" },
  },
  { progress: quiet },
);
const dataset = braintrust.initDataset(project, { dataset: "numbers" });
for (const n of [10, 20]) dataset.insert({ input: n, expected: 2 * n, id: `n${n}`, metadata: { n } });
await dataset.flush();
const version = await dataset.version();
const over = await braintrust.Eval(
  project,
  {
    experimentName: "over dataset",
    data: braintrust.initDataset(project, { dataset: "numbers" }),
    task: double,
    scores: [exact],
  },
  { progress: quiet },
);

function described({ summary, results }) {
  return {
    name: summary.experimentName,
    scores: Object.fromEntries(Object.entries(summary.scores).map(([name, score]) => [name, score.score])),
    outputs: results.map(({ input, output, expected, scores }) => [input, output, expected, scores]),
    errors: results.filter(({ error }) => error).map(({ error }) => String(error)),
  };
}

console.log(
  JSON.stringify({ dataset_id: await dataset.id, version, listed: described(listed), over: described(over) }),
);

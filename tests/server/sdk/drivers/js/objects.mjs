// Reach objects by id and by environment, and read spans of a trace inside of a scorer.
import * as braintrust from "braintrust";

const [project, datasetId, slug] = process.argv.slice(2);
const quiet = { start() {}, increment() {}, stop() {}, setTotal() {} };

async function ids(dataset) {
  const found = [];
  for await (const row of dataset) found.push(row.id);
  return found.sort();
}

const byId = braintrust.initDataset({ datasetId });
const pinned = braintrust.initDataset({ datasetId, environment: "production" });
const prompt = await braintrust.loadPrompt({ projectName: project, slug, environment: "production" });
const parameters = await braintrust.loadParameters({ projectName: project, slug: "knobs" });
const logger = braintrust.initLogger({ projectId: (await byId.project).id });
const seen = {};

await braintrust.Eval(
  project,
  {
    experimentName: "traced",
    data: () => [{ input: 1, expected: 1 }],
    task: async (input) =>
      braintrust.traced(async (span) => span.log({ output: input }) ?? input, { name: "ask", type: "llm" }),
    scores: [
      async function looks({ trace }) {
        seen.spans = (await trace.getSpans()).map((span) => span.span_attributes.name).sort();
        seen.llm = (await trace.getSpans({ spanType: ["llm"] })).map((span) => span.span_attributes.name);
        return seen.llm.length;
      },
    ],
  },
  { progress: quiet },
);

console.log(
  JSON.stringify({
    dataset: { id: await byId.id, name: await byId.name, project: (await byId.project).name },
    logger_project: (await logger.project).name,
    rows: await ids(byId),
    pinned: await ids(pinned),
    prompt: prompt.build({ name: "Ada" }).messages[0].content,
    parameters: parameters.data,
    ...seen,
  }),
);

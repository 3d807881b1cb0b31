// Two experiments, the second compared with the first, and the first read back.
import * as braintrust from "braintrust";

const project = process.argv[2];

async function run(name, answers, options = {}) {
  const experiment = braintrust.init(project, { experiment: name, metadata: { model: name }, ...options });
  for (const [question, [output, right]] of Object.entries(answers)) {
    experiment.log({
      id: `${name}-${question}`,
      input: question,
      output,
      expected: "yes",
      scores: { right, short: 0.5 },
      metadata: { question },
      metrics: { tokens: output.length },
    });
  }
  await experiment.traced(
    async (span) => {
      await span.traced(async (judge) => judge.log({ output: 1, scores: { right: 1 } }), {
        name: "judge",
        type: "score",
      });
      span.log({ output: "yes" });
    },
    { name: "with spans", event: { input: "q3", expected: "yes" } },
  );
  return experiment;
}

function byName(summary) {
  return {
    scores: summary.scores,
    experiment_name: summary.experimentName,
    comparison_experiment_name: summary.comparisonExperimentName,
    experiment_url: summary.experimentUrl,
    project_url: summary.projectUrl,
  };
}

const first = await run("first", { q1: ["no", 0], q2: ["yes", 1] });
const firstSummary = await first.summarize();
const second = await run("second", { q1: ["yes", 1], q2: ["maybe", 0.25] }, { baseExperiment: "first" });
const secondSummary = await second.summarize();
const again = braintrust.init(project, { experiment: "first" });
const updated = braintrust.init(project, { experiment: "first", update: true });

const read = braintrust.init(project, { experiment: "first", open: true });
const cases = [];
for await (const { input, expected } of read.asDataset()) cases.push([input, expected]);
const rows = [];
for await (const { id, input, output, scores } of read.fetch()) rows.push({ id, input, output, scores });
rows.sort((a, b) => (a.id < b.id ? -1 : 1));

console.log(
  JSON.stringify({
    project_id: (await first.project).id,
    first: await first.id,
    second: await second.id,
    again: await again.name,
    updated: await updated.id,
    read: await read.id,
    first_summary: byName(firstSummary),
    second_summary: byName(secondSummary),
    base: await second.fetchBaseExperiment(),
    cases: cases.sort(),
    rows,
  }),
);

// A dataset that grows, changes and shrinks; and an older version of it that stays as it was.
import * as braintrust from "braintrust";

const project = process.argv[2];

async function rows(dataset) {
  const found = [];
  for await (const row of dataset) {
    found.push([row.id, row.input, row.expected, row.metadata ?? null, row.tags ?? null]);
  }
  return found.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

const dataset = braintrust.initDataset(project, { dataset: "capitals", description: "of countries" });
dataset.insert({ id: "fr", input: "France", expected: "Paris", metadata: { eu: true }, tags: ["eu"] });
dataset.insert({ id: "de", input: "Germany", expected: "Bonn", metadata: { eu: true, checked: null } });
const made = dataset.insert({ input: { country: "Japan" }, expected: ["Tokyo", "東京"] });
await dataset.flush();
const before = await rows(dataset);
const version = await braintrust.initDataset(project, { dataset: "capitals" }).version();

dataset.update({ id: "de", expected: "Berlin", metadata: { checked: 1990 } });
dataset.delete("fr");
dataset.insert({ id: "pe", input: "Peru", expected: "Lima" });
await dataset.flush();
const summary = await dataset.summarize();

const now = braintrust.initDataset(project, { dataset: "capitals" });
const pinned = braintrust.initDataset(project, { dataset: "capitals", version });
console.log(
  JSON.stringify({
    dataset_id: await dataset.id,
    same_id: await now.id,
    made,
    version,
    before,
    after: await rows(now),
    after_version: await now.version(),
    pinned: await rows(pinned),
    summary: { dataset_name: summary.datasetName, data_summary: { total_records: summary.dataSummary.totalRecords } },
  }),
);

// Snapshots of a dataset: named versions, read by name, and gone back to.
import * as braintrust from "braintrust";

const project = process.argv[2];
const options = { dataset: "growing" };

async function ids(dataset) {
  const found = [];
  for await (const row of dataset) found.push([row.id, row.expected]);
  return found.sort();
}

const dataset = braintrust.initDataset(project, options);
dataset.insert({ id: "a", input: 1, expected: "one" });
dataset.insert({ id: "b", input: 2, expected: "two" });
await dataset.flush();
const first = await dataset.createSnapshot({ name: "v1", description: "two rows" });
dataset.update({ id: "a", expected: "uno" });
dataset.delete("b");
dataset.insert({ id: "c", input: 3, expected: "three" });
await dataset.flush();
const second = await dataset.createSnapshot({ name: "v2" });
const listed = (await dataset.listSnapshots()).map(({ name }) => name).sort();
const found = await dataset.getSnapshot({ snapshotName: "v1" });
const missing = await dataset.getSnapshot({ snapshotName: "v9" });
const renamed = await dataset.updateSnapshot(second.id, { name: "latest", description: "three changes" });
const atFirst = await ids(braintrust.initDataset(project, { ...options, snapshotName: "v1" }));
const preview = await dataset.restorePreview({ version: first.xact_id });
const restored = await dataset.restore({ version: first.xact_id });
const afterwards = await ids(braintrust.initDataset(project, options));
await dataset.deleteSnapshot(second.id);

console.log(
  JSON.stringify({
    dataset_id: await dataset.id,
    first,
    second,
    listed,
    found: found.id,
    missing: missing ?? null,
    renamed,
    at_first: atFirst,
    preview,
    restored,
    afterwards,
    left: (await dataset.listSnapshots()).map(({ name }) => name),
  }),
);

// Publish a prompt twice, and load it as it is in an environment, and as it is now; the same for a dataset.
import * as braintrust from "braintrust";

const [projectName, environment] = process.argv.slice(2);

async function publish(content) {
  const project = braintrust.projects.create({ name: projectName });
  project.prompts.create({
    name: "Greeter",
    slug: "greeter",
    model: "gpt-5-nano",
    messages: [{ role: "user", content }],
    metadata: { team: "a" },
    tags: ["polite"],
    ifExists: "replace",
  });
  await project.publish();
}

async function greeting(more) {
  const prompt = await braintrust.loadPrompt({ projectName, slug: "greeter", ...more });
  return prompt.build({ name: "Ada" }).messages[0].content;
}

async function ids(more) {
  const found = [];
  for await (const row of braintrust.initDataset(projectName, { dataset: "words", ...more })) found.push(row.id);
  return found.sort();
}

await publish("Hello {{name}}");
const first = await braintrust.loadPrompt({ projectName, slug: "greeter" });
const api = braintrust._internalGetGlobalState().apiConn();
const pin = (kind, id, version) =>
  api.post_json(`environment-object/${kind}/${id}`, { environment_slug: environment, object_version: version });
await pin("prompt", first.id, first.version);
await publish("Bye {{name}}");

const dataset = braintrust.initDataset(projectName, { dataset: "words" });
dataset.insert({ id: "a", input: "one", expected: 1 });
await dataset.flush();
await pin("dataset", await dataset.id, await (await api.get("xact-id")).text());
dataset.insert({ id: "b", input: "two", expected: 2 });
await dataset.flush();

console.log(
  JSON.stringify({
    greetings: [await greeting({ environment }), await greeting({}), await greeting({ version: first.version })],
    rows: [await ids({ environment }), await ids({})],
  }),
);

// Load a prompt, the newest and a pinned version, fill it in, and log a span that says which it was.
import * as braintrust from "braintrust";

const [projectName, slug, version] = process.argv.slice(2);

function built(prompt) {
  const filled = prompt.build({ city: "Ulm" });
  return {
    id: prompt.id,
    name: prompt.name,
    slug: prompt.slug,
    version: prompt.version,
    model: filled.model,
    temperature: filled.temperature ?? null,
    messages: filled.messages.map((message) => ({ ...message })),
    prompt_id: filled.span_info.metadata.prompt.id,
  };
}

const newest = await braintrust.loadPrompt({ projectName, slug });
const pinned = await braintrust.loadPrompt({ projectName, slug, version });
let missing = null;
try {
  await braintrust.loadPrompt({ projectName, slug: "nobody-wrote-this" });
} catch (error) {
  missing = String(error);
}

const logger = braintrust.initLogger({ projectName });
await logger.traced(
  async (span) => {
    span.log({ output: "fine", ...newest.build({ city: "Bonn" }).span_info });
  },
  { name: "answer", type: "llm" },
);
await logger.flush();
const projectId = (await logger.project).id;
const versions = {};
for (const each of await braintrust.getPromptVersions(projectId, newest.id)) {
  versions[each] = built(await braintrust.loadPrompt({ projectName, slug, version: each })).messages[0].content;
}

console.log(
  JSON.stringify({
    project_id: projectId,
    newest: built(newest),
    pinned: built(pinned),
    missing,
    versions,
  }),
);

// Log attachments of bytes, and read them back through the SDK.
import { createHash } from "node:crypto";
import * as braintrust from "braintrust";

const project = process.argv[2];
const picture = Uint8Array.from({ length: 256 * 4_096 }, (_, index) => index % 256);
const attached = (data, filename, contentType) =>
  new braintrust.Attachment({ data: new Blob([data]), filename, contentType });
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

const logger = braintrust.initLogger({ projectName: project });
await logger.traced(
  async (span) => {
    span.log({
      input: {
        picture: attached(picture, "gradient ü.png", "image/png"),
        deep: [{ empty: attached(new Uint8Array(), "empty.txt", "text/plain") }],
      },
    });
  },
  { name: "look" },
);
await logger.flush();

const dataset = braintrust.initDataset(project, { dataset: "pictures" });
dataset.insert({ id: "one", input: { picture: attached(picture, "copy.png", "image/png") }, expected: "a gradient" });
await dataset.flush();
const [row] = await braintrust.initDataset(project, { dataset: "pictures" }).fetchedData();
const read = row.input.picture;

console.log(
  JSON.stringify({
    project_id: (await logger.project).id,
    sent: hash(picture),
    read: hash(new Uint8Array(await (await read.data()).arrayBuffer())),
    reference: read.reference,
    status: (await read.status()).upload_status,
  }),
);

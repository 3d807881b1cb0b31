// How traces get here, said where there are none.

import { button, copyButton, h } from "./dom.js";

/** Return what stands in place of the traces of an object, or of all objects where `object` is null. */
export function welcome(object, refresh) {
  const base = location.origin + location.pathname.replace(/\/$/, "");
  const lines = [
    [
      "A program with Braintrust's SDK",
      `export BRAINTRUST_APP_URL=${base}\nexport BRAINTRUST_API_URL=${base}\nexport BRAINTRUST_API_KEY=<key>`,
    ],
    [
      "A program with OpenTelemetry",
      `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${base}/otel/v1/traces\n` +
        'export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer <key>,x-bt-parent=project_name:my-project"',
    ],
    ["A file with spans", "btql ingest DB project_logs:demo spans.ndjson"],
  ];
  return [
    h("h2", null, object === null ? "There are no traces yet" : "Nothing is in here yet"),
    h("p", { class: "dim" }, "Send some, and press Refresh:"),
    ...lines.map(([what, text]) =>
      h(
        "div",
        { class: "way" },
        h(
          "h3",
          null,
          what,
          copyButton(() => text),
        ),
        h("pre", null, text),
      ),
    ),
    button("Refresh", refresh, { class: "primary" }),
  ];
}

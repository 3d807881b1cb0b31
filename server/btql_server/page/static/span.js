// One span in full: what went in, what came out, and what is known about it.

import { button, copyButton, copyText, h } from "./dom.js";
import { asText, count, duration, isNumber, moment, money, plural, score } from "./format.js";
import { jsonTree } from "./json.js";
import { pretty, sizeOf } from "./messages.js";

const WHOLE = ["input", "output", "expected"];
const SHOWN = new Set([
  ...WHOLE,
  "error",
  "scores",
  "metadata",
  "metrics",
  "tags",
  "span_attributes",
  "comments",
  "context",
  "origin",
  "id",
  "span_id",
  "root_span_id",
  "span_parents",
  "created",
  "is_root",
  "_xact_id",
  "_pagination_key",
  "project_id",
  "org_id",
  "log_id",
  "experiment_id",
  "dataset_id",
  "prompt_session_id",
  "audit_data",
]);
const closedSections = new Set(["Context", "Origin", "Ids"]);

/** Return the head of a span: what the list of spans knows of it already. */
export function spanHead(node, trace, link) {
  const facts = [
    node.type === "" ? null : h("span", { class: `type type-${node.type}` }, node.type),
    fact("took", node.seconds === null ? "not ended" : duration(node.seconds)),
    fact("at", `+${duration(node.start - trace.start)}`),
    node.tokens > 0
      ? fact("tokens", count(node.tokens), `${count(node.prompt)} prompt, ${count(node.completion)} completion`)
      : null,
    node.cost > 0 ? fact("cost", money(node.cost)) : null,
    node.model ? fact("model", node.model) : null,
    node.total.spans > 1
      ? fact(
          "below",
          `${plural(node.total.spans - 1, "span")}, ${count(node.total.tokens)} tokens, ${money(node.total.cost)}`,
        )
      : null,
  ];
  const links = h(
    "div",
    { class: "span-links" },
    button("Copy link", () => copyText(new URL(link, location.href).href), { class: "quiet" }),
  );
  return h(
    "div",
    { class: "span-head" },
    h("h2", { tabindex: "-1" }, node.failed ? h("span", { class: "failed-mark" }, "failed") : null, node.name),
    h("div", { class: "facts" }, facts),
    links,
  );
}

const fact = (name, value, title) => h("span", { class: "fact", title }, h("span", { class: "dim" }, name), " ", value);

/** Return everything that a span's document says. */
export function spanBody(row) {
  const sections = [];
  const add = (name, value, body, more) => {
    if (!isEmpty(value)) sections.push(section(name, value, body ?? jsonTree(value, { open: 2 }), more));
  };
  add("Error", row.error, h("div", { class: "error-text" }, pretty(row.error)));
  for (const name of WHOLE) add(capital(name), row[name], undefined, name);
  add("Scores", row.scores, scores(row.scores ?? {}));
  add(
    "Tags",
    row.tags,
    h(
      "div",
      { class: "chips" },
      (row.tags ?? []).map((tag) => h("span", { class: "chip" }, String(tag))),
    ),
  );
  add("Metadata", row.metadata);
  add("Metrics", row.metrics, metrics(row.metrics ?? {}));
  add("Comments", row.comments, comments(row.comments ?? []));
  const attributes = without(row.span_attributes ?? {}, ["name", "type"]);
  add("Attributes", Object.keys(attributes).length > 0 ? attributes : null);
  for (const [name, value] of Object.entries(row)) if (!SHOWN.has(name)) add(name, value);
  add("Context", row.context);
  add("Origin", row.origin);
  add("Ids", ids(row));
  const whole = h(
    "button",
    { type: "button", class: "quiet", onclick: () => copyText(asText(row)) },
    "Copy the whole span as JSON",
  );
  return h("div", { class: "span-body" }, sections, h("div", { class: "span-foot" }, whole));
}

const isEmpty = (value) =>
  value === null ||
  value === undefined ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);

const capital = (name) => name[0].toUpperCase() + name.slice(1);

const without = (value, names) => Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

const IDS = ["id", "span_id", "root_span_id", "span_parents", "created", "_xact_id", "_pagination_key"];

const ids = (row) => Object.fromEntries(IDS.map((name) => [name, row[name] ?? null]));

/** Return a section that folds; inputs and outputs can also be read as JSON. */
function section(name, value, body, whole) {
  const content = h("div", { class: "section-body", hidden: closedSections.has(name) });
  const fill = (raw) =>
    content.replaceChildren(whole === undefined ? body : raw ? jsonTree(value, { open: 4 }) : pretty(value));
  fill(false);
  const twist = h(
    "button",
    { type: "button", class: "section-name", "aria-expanded": String(!closedSections.has(name)) },
    h("span", { class: "twist", "aria-hidden": "true" }),
    name,
  );
  twist.addEventListener("click", () => {
    content.hidden = !content.hidden;
    twist.setAttribute("aria-expanded", String(!content.hidden));
    // The next span is shown with the same sections open.
    if (content.hidden) closedSections.add(name);
    else closedSections.delete(name);
  });
  const raw = h("button", { type: "button", class: "quiet small", "aria-pressed": "false" }, "JSON");
  raw.addEventListener("click", () => {
    const pressed = raw.getAttribute("aria-pressed") === "false";
    raw.setAttribute("aria-pressed", String(pressed));
    fill(pressed);
  });
  const size = whole === undefined ? "" : sizeOf(value);
  return h(
    "section",
    { class: `section of-${name.toLowerCase()}`, "aria-label": name },
    h(
      "div",
      { class: "section-head" },
      twist,
      h("span", { class: "dim" }, size),
      h("span", { class: "grow" }),
      whole === undefined || typeof value !== "object" ? null : raw,
      copyButton(() => asText(value), `Copy ${name.toLowerCase()}`),
    ),
    content,
  );
}

function scores(values) {
  return h(
    "div",
    { class: "scores" },
    Object.entries(values).map(([name, value]) => scoreLine(name, value)),
  );
}

/** Return one score with its bar. */
export function scoreLine(name, value) {
  const bar = h(
    "span",
    { class: "score-bar" },
    h("span", {
      class: isNumber(value) && value < 0.5 ? "score-fill low" : "score-fill",
      style: { width: `${isNumber(value) ? Math.max(0, Math.min(1, value)) * 100 : 0}%` },
    }),
  );
  return h(
    "div",
    { class: "score-line" },
    h("span", { class: "score-name" }, name),
    bar,
    h("span", { class: "score-value" }, isNumber(value) ? score(value) : "none"),
  );
}

function metrics(values) {
  const text = (name, value) => {
    if (!isNumber(value)) return asText(value);
    if ((name === "start" || name === "end") && value > 1e9) return `${moment(value * 1000)} · ${value}`;
    return /cost/.test(name) ? `$${value}` : value.toLocaleString("en-US", { maximumFractionDigits: 6 });
  };
  return h(
    "dl",
    { class: "pairs" },
    Object.entries(values).map(([name, value]) => [h("dt", null, name), h("dd", null, text(name, value))]),
  );
}

/** Return comments; what a program has written in their place may be anything. */
function comments(given) {
  const line = (each) => {
    const of = [each?.user?.email ?? each?.user?.id, each?.created ? moment(each.created) : null];
    return h(
      "li",
      null,
      h("div", { class: "dim" }, of.filter(Boolean).join(" · ")),
      pretty(each?.comment?.text ?? each?.comment ?? each),
    );
  };
  return h("ul", { class: "comments" }, [given].flat().map(line));
}

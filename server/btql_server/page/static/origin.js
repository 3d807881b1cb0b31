// Which object a row of an answer is from.

import { traceLink } from "./links.js";

const OBJECT_FIELDS = [
  ["experiment_id", "experiment"],
  ["dataset_id", "dataset"],
  ["prompt_session_id", "playground_logs"],
  ["project_id", "project_logs"],
];

/** Return the link to the trace of a row, null where the query leaves it open which object the row is from. */
export function rowLink(row, query, language, known) {
  if (typeof row.root_span_id !== "string") return null;
  const named = language.objectsIn(query);
  let object = named.length === 1 ? named[0] : null;
  object ??= OBJECT_FIELDS.filter(([field]) => typeof row[field] === "string")
    .map(([field, kind]) => `${kind}:${row[field]}`)
    .find((each) => named.includes(each));
  object ??= bareObject(query, known);
  if (object === null) return null;
  const span = typeof row.id === "string" ? row.id : row.span_id;
  return traceLink(object, row.root_span_id, typeof span === "string" ? span : "");
}

/** Return the object that a bare name behind FROM means, where there is one of that name. */
function bareObject(query, known) {
  const name = /\bfrom\s*:?\s*"?([\w-]+)"?(?!\s*\()/i.exec(query)?.[1];
  const found = known.filter((each) => each.name === name);
  return found.length === 1 ? `${found[0].kind}:${found[0].name}` : null;
}

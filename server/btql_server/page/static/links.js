// Addresses of the views, and keeping the browser's address in step with what is shown.

import { quoted, sourceText } from "./format.js";

const part = (name, value) => (value === undefined || value === "" ? "" : `&${name}=${encodeURIComponent(value)}`);

/** The newest traces of `kind:name`. */
export const objectLink = (object, filter = "") => `#object=${encodeURIComponent(object)}${part("filter", filter)}`;

/** A trace, and one of its spans. */
export const traceLink = (object, id, span) =>
  `#trace=${encodeURIComponent(object)}${part("id", id)}${part("span", span)}`;

/** A query, in one of the console's views. */
export const queryLink = (text, view = "") => `#query=${encodeURIComponent(text)}${part("view", view)}`;

/** The query for the rows of a trace. */
export const traceQuery = (object, id) =>
  `select: *\n| from: ${sourceText(object)}\n| filter: root_span_id = ${quoted(id)}\n| limit: 100`;

/** Return a link as a whole address. */
export const wholeAddress = (link) => new URL(link, location.href).href;

/** Let the address say what a view shows. Whoever has gone on meanwhile keeps the address of where they are. */
export function showAddress(view, link) {
  if (!view.element.hidden) history.replaceState(null, "", `${location.pathname}${location.search}${link}`);
}

// The span that is chosen, beside the tree: its head at once, its documents as soon as they are there.

import { ask } from "./api.js";
import { h } from "./dom.js";
import { quoted, sourceText } from "./format.js";
import { Latest } from "./latest.js";
import { spanBody, spanHead } from "./span.js";

const DOCUMENTS_KEPT = 40;
const FETCH_WAIT_MS = 60;

export class SpanDetail {
  /** `onshown` hears when there are documents to mark something in, `onleave` of Escape. */
  constructor({ onshown, onleave }) {
    this.onshown = onshown;
    this.documents = new Map();
    this.fetches = new Latest();
    this.element = h("section", {
      class: "detail",
      "aria-label": "Span",
      tabindex: "-1",
      onkeydown: (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onleave();
      },
    });
  }

  /** Fetch documents anew: they may have changed. */
  forget() {
    this.documents.clear();
  }

  /** Show no span. */
  clear() {
    this.forget();
    this.element.replaceChildren();
  }

  focus() {
    this.element.querySelector("h2").focus();
  }

  /** Show a span of a trace of an object; `link` leads to it. */
  show(node, { object, trace, link }) {
    const known = this.documents.get(node.id);
    const body = known ? spanBody(known) : h("div", { class: "dim loading" }, "…");
    this.element.replaceChildren(spanHead(node, trace, link), body);
    this.element.scrollTop = 0;
    if (known) this.onshown();
    else this.fetches.run(() => this.fill(node, object, body));
  }

  /** Put the documents of a span in the place of `body`, unless another span was chosen. */
  async fill(node, object, body) {
    // Whoever runs along the list with an arrow key wants only the last one.
    await new Promise((resolve) => setTimeout(resolve, FETCH_WAIT_MS));
    if (!body.isConnected) return;
    try {
      const row = await documentOf(node, object);
      if (!body.isConnected) return;
      this.keep(node.id, row);
      // The head stays: it may have the focus by now.
      body.replaceWith(spanBody(row));
      this.onshown();
    } catch (error) {
      body.replaceWith(h("div", { class: "problems" }, h("p", null, error.message)));
    }
  }

  keep(id, row) {
    this.documents.set(id, row);
    if (this.documents.size > DOCUMENTS_KEPT) this.documents.delete(this.documents.keys().next().value);
  }
}

async function documentOf(node, object) {
  const filter = `root_span_id = ${quoted(node.row.root_span_id)} and id = ${quoted(node.id)}`;
  const query = `select: * | from: ${sourceText(object)} | filter: ${filter} | limit: 1 | preview_length: -1`;
  const { data } = await ask(query, { lint_mode: "off" });
  if (data.length === 0) throw new Error("This span is not there any more.");
  return data[0];
}

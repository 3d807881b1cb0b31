// The panel with what a query can name: objects, and the fields of those that it names already.

import { fields, objects } from "./api.js";
import { h } from "./dom.js";
import { count, sourceText } from "./format.js";

const SHOWN = 400;

export class VocabularyPanel {
  /** `named()` returns the objects of the query; `oninsert(text)` puts a text at its cursor. */
  constructor({ named, oninsert }) {
    this.named = named;
    this.oninsert = oninsert;
    this.search = h("input", {
      type: "search",
      placeholder: "Find a field",
      "aria-label": "Find a field",
      oninput: () => this.draw(),
    });
    this.list = h("ul", { class: "vocabulary-list" });
    this.lines = [];
    this.element = h(
      "aside",
      { class: "side-panel", "aria-label": "Fields", hidden: true, onkeydown: (event) => this.key(event) },
      h("div", { class: "side-head" }, this.search),
      this.list,
    );
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    if (this.element.hidden) return;
    this.fill();
    this.search.focus();
  }

  key(event) {
    if (event.key !== "Escape") return;
    this.element.hidden = true;
    this.oninsert("");
  }

  /** Ask what there is, if the panel is open. */
  async fill() {
    if (this.element.hidden) return;
    const named = this.named();
    let found;
    try {
      found = named.length === 0 ? await objects() : null;
    } catch (error) {
      this.list.replaceChildren(h("li", { class: "empty" }, error.message));
      return;
    }
    const known = await Promise.all(named.map(fields));
    this.lines = [
      ...(found?.objects ?? []).map((each) => ({
        text: sourceText(`${each.kind}:${each.name}`),
        detail: each.label === each.name ? "" : each.label,
      })),
      ...new Map(known.flat().map((each) => [each.path, { text: each.path, detail: each.kinds.join(", ") }])).values(),
    ];
    this.draw();
  }

  draw() {
    const wanted = this.search.value.toLowerCase();
    const found = this.lines.filter((each) => `${each.text} ${each.detail}`.toLowerCase().includes(wanted));
    const rest =
      found.length > SHOWN
        ? h("li", { class: "empty" }, `${count(found.length - SHOWN)} more: type to find them`)
        : null;
    const lines = found.slice(0, SHOWN).map((each) =>
      h(
        "li",
        null,
        h(
          "button",
          {
            type: "button",
            class: "vocabulary-entry",
            title: "Insert at the cursor",
            onclick: () => this.oninsert(each.text),
          },
          h("code", null, each.text),
          h("span", { class: "dim" }, each.detail),
        ),
      ),
    );
    const nothing = found.length === 0 ? h("li", { class: "empty" }, "There is nothing of that name.") : null;
    this.list.replaceChildren(...[...lines, rest, nothing].filter((each) => each !== null));
  }
}

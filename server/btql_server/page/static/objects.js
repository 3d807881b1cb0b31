// The list of objects that the key may read, by kind, with a field to find one where they are many.

import { h } from "./dom.js";
import { count } from "./format.js";
import { objectLink } from "./links.js";

/** With more objects there is a field to find one. */
const FEW = 12;
/** Objects of a kind that are listed. */
const SHOWN = 200;
const OPEN = { project_logs: "Logs", experiment: "Experiments", dataset: "Datasets" };
const KINDS = {
  ...OPEN,
  playground_logs: "Playgrounds",
  project_prompts: "Prompts",
  project_functions: "Functions",
  audit_log: "Audit",
};

/** Return what links call an object. */
export const idOf = (each) => `${each.kind}:${each.name}`;

export class ObjectList {
  constructor() {
    this.known = [];
    this.labels = new Map();
    this.chosen = null;
    this.groups = h("div");
    this.find = h("input", {
      type: "search",
      placeholder: "Find an object",
      "aria-label": "Find an object",
      hidden: true,
      oninput: () => this.draw(),
    });
    this.element = h("nav", { class: "objects", "aria-label": "Objects" }, this.find, this.groups);
  }

  /** Show the objects that there are. */
  show(known) {
    this.known = known;
    this.labels = new Map(known.map((each) => [idOf(each), each.label]));
    this.find.hidden = known.length <= FEW;
    this.element.hidden = known.length === 0;
    this.draw();
  }

  /** Mark the object that is shown. */
  choose(object) {
    this.chosen = object;
    for (const link of this.element.querySelectorAll("a")) {
      if (link.dataset.object === object) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /** Return what people call an object. */
  labelOf(object) {
    return this.labels.get(object) ?? object.slice(object.indexOf(":") + 1);
  }

  /** List the objects that have what is searched for in their names. */
  draw() {
    const wanted = this.find.value.toLowerCase();
    const found = this.known.filter((each) =>
      [each.label, each.project, each.name].some((text) => text?.toLowerCase().includes(wanted)),
    );
    const kinds = [...new Set([...Object.keys(KINDS), ...found.map((each) => each.kind)])];
    const groups = kinds
      .map((kind) => [kind, found.filter((each) => each.kind === kind)])
      .filter(([, members]) => members.length > 0);
    this.groups.replaceChildren(...groups.map(([kind, members]) => this.group(kind, members)));
    this.choose(this.chosen);
  }

  /** Return the objects of a kind; those that few look for are folded. */
  group(kind, members) {
    const chosen = (this.chosen?.startsWith(`${kind}:`) ?? false) || this.find.value !== "";
    const rest =
      members.length > SHOWN
        ? h("li", { class: "empty" }, `${count(members.length - SHOWN)} more: type to find them`)
        : null;
    const title = h("summary", null, KINDS[kind] ?? kind, h("span", { class: "dim" }, count(members.length)));
    return h(
      "details",
      { open: chosen || kind in OPEN },
      title,
      h("ul", null, members.slice(0, SHOWN).map(objectLine), rest),
    );
  }
}

function objectLine(each) {
  const object = idOf(each);
  return h(
    "li",
    null,
    h(
      "a",
      { href: objectLink(object), "data-object": object, title: object },
      h("span", null, each.label),
      each.project ? h("span", { class: "dim" }, each.project) : null,
    ),
  );
}

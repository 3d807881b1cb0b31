// The editor: a text area over its own coloured copy. The copy gives the height and shows mistakes; the area
// takes input.

import { h } from "./dom.js";

let editors = 0;

/** Return where a line and column, counted in characters from 1, are in a text, counted in UTF-16 units. */
export function offsetOf(text, line, column) {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length);
}

export class Editor {
  /** `complete(text, cursor)` is asked for what may stand at the cursor; `onrun` is called on Ctrl-Enter. */
  constructor({ label, language, complete, onrun, oninput, single = false, placeholder = "" }) {
    editors += 1;
    this.listId = `completion-${editors}`;
    this.language = language;
    this.complete = complete;
    this.onrun = onrun;
    this.oninput = oninput;
    this.single = single;
    this.mistakes = [];
    this.offers = [];
    this.chosen = 0;
    this.accepting = false;
    this.copy = h("pre", { class: "copy", "aria-hidden": "true" });
    this.area = h("textarea", {
      class: "area",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      rows: "1",
      placeholder,
      "aria-label": label,
      "aria-autocomplete": "list",
      "aria-controls": this.listId,
      "aria-expanded": "false",
      role: "combobox",
      "aria-multiline": "true",
      oninput: () => this.typed(),
      onkeydown: (event) => this.key(event),
      onblur: () => this.closeOffers(),
      onclick: () => this.closeOffers(),
    });
    this.list = h("ul", {
      class: "offers",
      id: this.listId,
      role: "listbox",
      "aria-label": "Completions",
      hidden: true,
    });
    this.element = h(
      "div",
      { class: single ? "editor single" : "editor" },
      h("div", { class: "sheet" }, this.copy, this.area),
      this.list,
    );
    this.paint();
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    this.area.value = text;
    this.mistakes = [];
    this.closeOffers();
    this.paint();
  }

  focus() {
    this.area.focus();
  }

  /** Draw mistakes at their places: `{from, to}`. */
  setMistakes(mistakes) {
    this.mistakes = mistakes;
    this.paint();
  }

  /** Put the cursor at a place and show it. */
  goTo(offset) {
    this.area.focus();
    this.area.setSelectionRange(offset, offset);
  }

  /** Type a text where the cursor is. */
  insert(text) {
    this.area.focus();
    const { selectionStart: from, selectionEnd: to } = this.area;
    this.type(text, from, to);
    this.oninput?.();
  }

  /** Replace a part of the text in a way that can be undone. */
  type(text, from, to) {
    this.area.setSelectionRange(from, to);
    this.accepting = true;
    // The old way of typing into an area is the one that can be undone.
    if (text !== "" && !document.execCommand("insertText", false, text)) this.area.setRangeText(text, from, to, "end");
    this.accepting = false;
    this.closeOffers();
    this.paint();
  }

  paint() {
    const text = this.area.value;
    const pieces = [];
    let at = 0;
    for (const [kind, piece] of this.language.tokens(text)) {
      pieces.push(...this.marked(kind, piece, at));
      at += piece.length;
    }
    // A mistake at the very end is drawn over a space that is not there.
    const atEnd = this.mistakes.some((each) => each.from >= text.length);
    pieces.push(h("span", { class: atEnd ? "mistake" : "" }, atEnd ? " \n" : "\n"));
    this.copy.replaceChildren(...pieces);
  }

  /** Return the elements of one token, cut where a mistake begins or ends. */
  marked(kind, piece, at) {
    const cuts = [at, at + piece.length];
    for (const { from, to } of this.mistakes)
      cuts.push(...[from, to].filter((cut) => cut > at && cut < at + piece.length));
    cuts.sort((a, b) => a - b);
    return cuts.slice(1).map((end, index) => {
      const start = cuts[index];
      const wrong = this.mistakes.some((each) => each.from < end && each.to > start);
      const names = [`is-${kind}`, wrong ? "mistake" : ""].join(" ").trim();
      return h("span", { class: names }, piece.slice(start - at, end - at));
    });
  }

  typed() {
    if (this.single && this.area.value.includes("\n")) this.area.value = this.area.value.replaceAll("\n", " ");
    this.mistakes = [];
    this.paint();
    this.oninput?.();
    const before = this.area.value.slice(0, this.area.selectionStart);
    if (!this.accepting && /[\p{L}\p{N}_.]$|\(['"]$/u.test(before)) this.offer();
    else this.closeOffers();
  }

  key(event) {
    // What is still being composed, as Chinese and Japanese are, has these keys for itself.
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (this.single && this.list.hidden))) {
      event.preventDefault();
      this.closeOffers();
      this.onrun?.();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.offer();
    } else if (!this.list.hidden) this.keyInOffers(event);
  }

  keyInOffers(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) {
      const most = this.offers.length - 1;
      const next = this.chosen + steps[event.key];
      this.choose(
        Math.abs(steps[event.key]) === 1 ? (next + most + 1) % (most + 1) : Math.max(0, Math.min(most, next)),
      );
    } else if (event.key === "Enter" || event.key === "Tab") this.accept(this.chosen);
    else if (event.key === "Escape") {
      this.closeOffers();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  async offer() {
    const text = this.area.value;
    const cursor = this.area.selectionStart;
    // Where the server does not say what there is, nothing is offered.
    const { from, items } = await this.complete(text, cursor).catch(() => ({ from: cursor, items: [] }));
    // The text may have changed while the answer was on its way.
    if (text !== this.area.value || cursor !== this.area.selectionStart || document.activeElement !== this.area) return;
    this.from = from;
    this.offers = items;
    if (items.length === 0) {
      this.closeOffers();
      return;
    }
    this.list.replaceChildren(...items.map((each, index) => this.offerLine(each, index)));
    this.list.hidden = false;
    this.area.setAttribute("aria-expanded", "true");
    this.place(from);
    this.choose(0);
  }

  offerLine(each, index) {
    return h(
      "li",
      {
        id: `${this.listId}-${index}`,
        role: "option",
        class: `offer is-${each.kind}`,
        // Before the area loses the focus to the list.
        onmousedown: (event) => {
          event.preventDefault();
          this.accept(index);
        },
      },
      h("span", { class: "offer-text" }, each.signature ?? each.text),
      h("span", { class: "offer-detail" }, each.detail || ""),
      h("span", { class: "offer-kind" }, each.kind),
    );
  }

  choose(index) {
    this.list.children[this.chosen]?.removeAttribute("aria-selected");
    this.chosen = index;
    const line = this.list.children[index];
    line.setAttribute("aria-selected", "true");
    line.scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", line.id);
  }

  accept(index) {
    const { insert } = this.offers[index];
    this.type(insert, this.from, this.area.selectionStart);
    // `project_logs('` goes on with the names of objects.
    if (insert.endsWith("'")) this.offer();
  }

  closeOffers() {
    this.list.hidden = true;
    this.offers = [];
    this.chosen = 0;
    this.area.setAttribute("aria-expanded", "false");
    this.area.removeAttribute("aria-activedescendant");
  }

  /** Put the list below the place in the text where the word begins. */
  place(offset) {
    const box = this.element.getBoundingClientRect();
    const at = this.boxOf(offset);
    const left = Math.max(0, Math.min(at.left - box.left, box.width - this.list.offsetWidth - 4));
    this.list.style.setProperty("left", `${left}px`);
    this.list.style.setProperty("top", `${at.bottom - box.top + 2}px`);
  }

  /** Return where a character of the text is on the screen. */
  boxOf(offset) {
    let at = 0;
    for (const piece of this.copy.children) {
      const node = piece.firstChild;
      if (at + node.length > offset) {
        const range = document.createRange();
        range.setStart(node, offset - at);
        range.setEnd(node, offset - at + 1);
        return range.getClientRects()[0] ?? piece.getBoundingClientRect();
      }
      at += node.length;
    }
    return this.copy.getBoundingClientRect();
  }
}

// A long list of which only the rows in sight are elements.

import { h, oncePerFrame } from "./dom.js";

const BEYOND = 8;
/** Browsers cannot lay out elements that are much taller. */
const TALLEST = 15_000_000;

export class VirtualRows {
  /** `viewport` scrolls; `render(index)` returns the element of a row; all rows are `height` pixels high. */
  constructor(viewport, height, render) {
    this.viewport = viewport;
    this.height = height;
    this.render = render;
    this.count = 0;
    this.spacer = h("div", { class: "spacer", role: "presentation" });
    this.shown = new Map();
    this.draw = oncePerFrame(() => this.drawNow());
    viewport.append(this.spacer);
    viewport.addEventListener("scroll", this.draw, { passive: true });
    this.sizes = new ResizeObserver(this.draw);
    this.sizes.observe(viewport);
  }

  /** Say how many rows there are, and draw all in sight anew. */
  setCount(count) {
    this.count = Math.min(count, Math.floor(TALLEST / this.height));
    this.spacer.style.setProperty("height", `${this.count * this.height}px`);
    this.redraw();
  }

  /** Draw every row in sight anew. */
  redraw() {
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
    this.drawNow();
  }

  /** Draw one row anew, if it is in sight. */
  redrawRow(index) {
    const old = this.shown.get(index);
    if (old === undefined) return;
    const fresh = this.placed(index);
    old.replaceWith(fresh);
    this.shown.set(index, fresh);
  }

  drawNow() {
    const top = this.viewport.scrollTop - this.spacer.offsetTop;
    const first = Math.max(0, Math.floor(top / this.height) - BEYOND);
    const last = Math.min(this.count, Math.ceil((top + this.viewport.clientHeight) / this.height) + BEYOND);
    for (const [index, element] of this.shown) {
      if (index < first || index >= last) {
        element.remove();
        this.shown.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      if (this.shown.has(index)) continue;
      const element = this.placed(index);
      this.shown.set(index, element);
      this.spacer.append(element);
    }
    this.ondraw?.(first, last);
  }

  placed(index) {
    const element = this.render(index);
    element.style.setProperty("top", `${index * this.height}px`);
    return element;
  }

  /** Scroll as little as needed to have a row in sight. */
  reveal(index) {
    const head = this.spacer.offsetTop;
    const top = index * this.height;
    const from = this.viewport.scrollTop;
    // What stands above the rows sticks to the top and covers that much.
    if (top < from) this.viewport.scrollTop = top;
    else if (top + this.height + head > from + this.viewport.clientHeight) {
      this.viewport.scrollTop = top + this.height + head - this.viewport.clientHeight;
    }
    this.drawNow();
  }

  /** How many rows a page has. */
  get page() {
    return Math.max(1, Math.floor((this.viewport.clientHeight - this.spacer.offsetTop) / this.height) - 1);
  }
}

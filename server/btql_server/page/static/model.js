// A trace as a tree with sums: what the server's narrow rows add up to. Nothing here touches the page.

import { inLine, isNumber } from "./format.js";

/** A number to add up; what is none counts as 0. */
const amount = (value) => (typeof value === "bigint" ? Number(value) : isNumber(value) ? value : 0);

/** One span in its place in the tree. */
class Node {
  constructor(row) {
    const attributes = row.span_attributes ?? {};
    this.row = row;
    this.id = row.id;
    this.name = inLine(attributes.name ?? row.span_id ?? row.id, Infinity);
    this.type = inLine(attributes.type);
    this.purpose = inLine(attributes.purpose);
    this.failed = row.failed === true;
    const metrics = row.metrics ?? {};
    const created = Date.parse(row.created) / 1000;
    this.start = isNumber(metrics.start) ? metrics.start : created;
    // A span that has not ended has no length yet.
    this.end = isNumber(metrics.end) ? metrics.end : null;
    this.prompt = amount(metrics.prompt_tokens);
    this.completion = amount(metrics.completion_tokens);
    this.cached = amount(metrics.prompt_cached_tokens);
    this.tokens = isNumber(metrics.tokens) ? metrics.tokens : this.prompt + this.completion;
    this.cost = amount(row.cost);
    this.model = row.model === null ? null : inLine(row.model);
    this.parent = null;
    this.children = [];
    this.depth = 0;
    this.closed = false;
    /** Which of how many below the same parent, from 1. */
    this.position = 1;
    this.siblings = 1;
    /** Of the span and all below it. */
    this.total = { spans: 1, tokens: this.tokens, cost: this.cost, failed: Number(this.failed) };
  }

  get seconds() {
    return this.end === null ? null : this.end - this.start;
  }
}

export class Trace {
  constructor(rows) {
    // Rows come newest first; of spans that began at once, the one that was written first stands first.
    const nodes = rows.map((row) => new Node(row)).reverse();
    this.nodes = nodes;
    this.byId = new Map(nodes.map((node) => [node.id, node]));
    this.link(nodes);
    this.addUp();
    const starts = nodes.map((node) => node.start).filter(Number.isFinite);
    this.start = starts.reduce((a, b) => Math.min(a, b), Infinity);
    this.end = nodes.reduce((latest, node) => Math.max(latest, node.end ?? node.start), -Infinity);
    if (!Number.isFinite(this.start)) [this.start, this.end] = [0, 0];
  }

  /** Give every span its parent; one whose parent is not there stands beside the root. */
  link(nodes) {
    const bySpan = new Map();
    for (const node of nodes) if (!bySpan.has(node.row.span_id)) bySpan.set(node.row.span_id, node);
    this.roots = [];
    for (const node of nodes) {
      const parent = (node.row.span_parents ?? [])
        .map((id) => bySpan.get(id))
        .find((each) => each !== undefined && each !== node);
      if (parent === undefined || below(parent, node)) this.roots.push(node);
      else {
        node.parent = parent;
        parent.children.push(node);
      }
    }
    const inTime = (a, b) =>
      a.start - b.start || amount(a.row.span_attributes?.exec_counter) - amount(b.row.span_attributes?.exec_counter);
    this.roots.sort((a, b) => Number(b.row.is_root === true) - Number(a.row.is_root === true) || inTime(a, b));
    for (const node of nodes) node.children.sort(inTime);
    for (const among of [this.roots, ...nodes.map((node) => node.children)]) {
      among.forEach((node, index) => Object.assign(node, { position: index + 1, siblings: among.length }));
    }
  }

  /** Add up every subtree, children before their parents. */
  addUp() {
    this.inOrder = [];
    const waiting = [...this.roots].reverse();
    while (waiting.length > 0) {
      const node = waiting.pop();
      node.depth = node.parent === null ? 0 : node.parent.depth + 1;
      node.place = this.inOrder.length;
      this.inOrder.push(node);
      for (let index = node.children.length - 1; index >= 0; index -= 1) waiting.push(node.children[index]);
    }
    for (let index = this.inOrder.length - 1; index >= 0; index -= 1) {
      const { parent, total } = this.inOrder[index];
      if (parent !== null) for (const key of Object.keys(total)) parent.total[key] += total[key];
    }
  }

  /** The spans that are in sight: those below closed ones are left out. */
  visible() {
    const found = [];
    for (let index = 0; index < this.inOrder.length; index += 1) {
      const node = this.inOrder[index];
      found.push(node);
      if (node.closed) index += node.total.spans - 1;
    }
    return found;
  }

  /** Open everything above a span. */
  uncover(node) {
    for (let above = node.parent; above !== null; above = above.parent) above.closed = false;
  }

  get root() {
    return this.roots[0];
  }

  /** What the whole trace adds up to. */
  sums() {
    const sum = (of) => this.nodes.reduce((total, node) => total + of(node), 0);
    return {
      spans: this.nodes.length,
      seconds: this.end - this.start,
      tokens: sum((node) => node.tokens),
      prompt: sum((node) => node.prompt),
      completion: sum((node) => node.completion),
      cached: sum((node) => node.cached),
      cost: sum((node) => node.cost),
      llm: sum((node) => Number(node.type === "llm")),
      tools: sum((node) => Number(node.type === "tool")),
      errors: sum((node) => Number(node.failed)),
      open: sum((node) => Number(node.end === null)),
    };
  }

  /** The mean of every score over the spans that have it. */
  scores() {
    const found = new Map();
    for (const { row } of this.nodes) {
      for (const [name, value] of Object.entries(row.scores ?? {})) {
        if (!isNumber(value)) continue;
        const [sum, spans] = found.get(name) ?? [0, 0];
        found.set(name, [sum + value, spans + 1]);
      }
    }
    return [...found].map(([name, [sum, spans]]) => [name, sum / spans]);
  }
}

/** Whether a span lies below another one: a loop in the data must not become one in the tree. */
function below(node, above) {
  for (let at = node; at !== null; at = at.parent) if (at === above) return true;
  return false;
}

// The query console: an editor for both languages, the answer below it, and what was run before.

import { ApiError, ask, fields, getJson, objects } from "./api.js";
import { button, copyText, h, icon, ICONS, say } from "./dom.js";
import { saveArrow, saveCsv } from "./download.js";
import { Editor, offsetOf } from "./editor.js";
import { examples } from "./examples.js";
import { duration, plural, sourceText } from "./format.js";
import { HistoryPanel, note } from "./history.js";
import { detect } from "./language.js";
import { queryLink, showAddress, traceLink } from "./links.js";
import { Results } from "./results.js";
import { VocabularyPanel } from "./vocabulary.js";

const SLOW_MS = 1_000;
const DRAFT = "btql.draft";
const KEYS = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
const OBJECT_FIELDS = [
  ["experiment_id", "experiment"],
  ["dataset_id", "dataset"],
  ["prompt_session_id", "playground_logs"],
  ["project_id", "project_logs"],
];

export class QueryView {
  constructor(language) {
    this.language = language;
    this.running = null;
    this.asked = null;
    this.known = [];
    this.asksForObjects = true;
    this.rows = [];
    this.columns = [];
    this.cursor = null;
    this.editor = new Editor({
      label: "Query, in BTQL or SQL",
      language,
      placeholder: "select: * | from: project_logs('…') | limit: 20        or        SELECT …",
      complete: (text, cursor) => language.complete(text, cursor, { objects, fields }),
      onrun: () => this.run(),
      oninput: () => this.typed(),
    });
    this.results = new Results({
      explain: (analyze) => this.explain(analyze),
      traceOf: (row) => this.traceLink(row),
      ontab: () => this.retitle(),
    });
    this.history = new HistoryPanel((text) => this.pick(text));
    this.vocabulary = new VocabularyPanel({
      named: () => language.objectsIn(this.editor.value),
      oninsert: (text) => this.editor.insert(text),
    });
    this.build();
  }

  build() {
    this.runButton = h(
      "button",
      { type: "button", class: "primary run", title: `Run (${KEYS})`, onclick: () => this.run() },
      icon(ICONS.play),
      "Run",
      h("kbd", null, KEYS),
    );
    this.cancelButton = button("Cancel", () => this.running?.abort(), { class: "run danger", hidden: true });
    this.languageMark = h("span", { class: "badge", title: "The language of the query" });
    this.status = h("span", { class: "status", role: "status" });
    this.more = button("Next page", () => this.nextPage(), { class: "quiet", hidden: true });
    this.problems = h("div", { class: "problems", role: "alert", hidden: true });
    this.warnings = h("ul", { class: "warnings", hidden: true });
    this.examples = h("div", { class: "examples" });
    this.saves = [
      button("CSV", () => this.save("csv"), { class: "quiet", title: "Download all rows as CSV" }),
      button("Arrow", () => this.save("arrow"), { class: "quiet", title: "Download all rows as an Arrow stream" }),
    ];
    const copy = button("Copy", () => this.results.copy(), { class: "quiet", title: "Copy what is shown" });
    const bar = h(
      "div",
      { class: "bar" },
      this.runButton,
      this.cancelButton,
      this.languageMark,
      h("span", { class: "grow" }),
      button("Fields", () => this.panel(this.vocabulary), { class: "quiet" }),
      button("History", () => this.panel(this.history), { class: "quiet" }),
      button("Share", () => this.share(), { class: "quiet", title: "Copy a link to this query" }),
    );
    this.answer = h(
      "section",
      { class: "answer", "aria-label": "Answer", hidden: true },
      h(
        "div",
        { class: "bar" },
        [this.results.tabs, this.status, this.more],
        h("span", { class: "grow" }),
        [...this.saves, copy],
      ),
      this.warnings,
      this.results.element,
    );
    this.element = h(
      "div",
      { class: "console" },
      h(
        "div",
        { class: "console-main" },
        h("section", { class: "ask", "aria-label": "Query" }, this.editor.element, bar),
        this.problems,
        this.examples,
        this.answer,
      ),
      this.vocabulary.element,
      this.history.element,
    );
  }

  /** Show the view; `query` is what a link carries. It is not run before someone has read it: it may write. */
  open(parameters) {
    const text = parameters.get("query");
    if (text !== null && text !== "" && text !== this.editor.value) {
      this.editor.value = text;
      this.clear();
    } else if (this.editor.value === "") this.editor.value = sessionStorage.getItem(DRAFT) ?? "";
    if (parameters.has("view")) this.results.open(parameters.get("view"));
    this.mark();
    this.showExamples();
    objects()
      .then(
        (found) => {
          this.known = found.objects;
        },
        () => undefined,
      )
      .finally(() => {
        this.asksForObjects = false;
        this.showExamples();
      });
    if (matchMedia("(pointer: fine)").matches) this.editor.focus();
  }

  get title() {
    return "Query";
  }

  typed() {
    sessionStorage.setItem(DRAFT, this.editor.value);
    this.problems.hidden = true;
    this.mark();
    this.showExamples();
    const named = this.language.objectsIn(this.editor.value).join();
    if (named !== this.named) this.vocabulary.fill();
    this.named = named;
  }

  /** Show a panel beside the query, or hide it. */
  panel(wanted) {
    for (const each of [this.vocabulary, this.history]) if (each !== wanted) each.element.hidden = true;
    wanted.toggle();
  }

  mark() {
    const text = this.editor.value;
    this.languageMark.textContent = text.trim() === "" ? "BTQL or SQL" : detect(text) === "sql" ? "SQL" : "BTQL";
  }

  pick(text) {
    if (text !== null) {
      this.editor.value = text;
      this.typed();
    }
    this.editor.focus();
  }

  clear() {
    this.asked = null;
    this.cursor = null;
    this.answer.hidden = true;
    this.problems.hidden = true;
  }

  /** Run the query in the editor. */
  async run() {
    const text = this.editor.value;
    if (text.trim() === "") return;
    this.running?.abort();
    this.problems.hidden = true;
    this.editor.setMistakes([]);
    await this.during(async (signal, began) => {
      const answer = await ask(text, { signal });
      const inferred = this.language.infers(text);
      this.asked = text;
      this.rows = inferred ? [answer.schema.items.properties] : answer.data;
      this.columns = inferred ? Object.keys(this.rows[0]) : answer.columns;
      // They ask again, which would write again; and of what was inferred there are no rows.
      for (const each of this.saves) each.hidden = answer.written || inferred;
      this.show(answer, performance.now() - began);
      note({ text, ms: performance.now() - began, rows: this.rows.length, failed: false });
      showAddress(this, this.link());
    }, text);
  }

  /** Ask for the rows behind those that are shown. */
  async nextPage() {
    const text = this.asked;
    await this.during(async (signal, began) => {
      const answer = await ask(text, { signal, cursor: this.cursor });
      this.rows = [...this.rows, ...answer.data];
      this.show(answer, performance.now() - began);
      if (answer.data.length === 0) say("That was the last page");
    }, text);
  }

  /** Do something that can be cancelled, and show its error. */
  async during(work, text) {
    const running = new AbortController();
    this.running = running;
    const began = performance.now();
    this.busy(true);
    const clock = setInterval(() => this.say(`running … ${duration((performance.now() - began) / 1000)}`), 200);
    try {
      await work(running.signal, began);
    } catch (error) {
      if (running.signal.aborted) this.say(`cancelled after ${duration((performance.now() - began) / 1000)}`);
      else {
        this.say("");
        this.refuse(error, text);
        note({ text, ms: performance.now() - began, rows: 0, failed: true });
      }
    } finally {
      clearInterval(clock);
      if (this.running === running) {
        this.running = null;
        this.busy(false);
      }
    }
  }

  busy(is) {
    this.runButton.hidden = is;
    // How long it takes is not read out five times a second.
    this.status.setAttribute("aria-busy", String(is));
    this.cancelButton.hidden = !is;
    // One thing at a time: only the last can be cancelled.
    for (const each of [this.more, ...this.saves]) each.disabled = is;
    this.element.classList.toggle("busy", is);
    if (is) this.answer.hidden = false;
    this.showExamples();
  }

  say(text) {
    this.status.textContent = text;
  }

  show(answer, ms) {
    this.cursor = answer.cursor ?? null;
    this.more.hidden = this.cursor === null || answer.data.length === 0;
    this.say(`${plural(this.rows.length, "row")} · ${duration(ms / 1000)}`);
    // What might be slow matters where something was.
    const told = (answer.warnings ?? []).filter((each) => each.stage === "binder" || ms > SLOW_MS);
    const warnings = told.map((each) => each.message);
    this.warnings.replaceChildren(...warnings.map((each) => h("li", null, each)));
    this.warnings.hidden = warnings.length === 0;
    this.answer.hidden = false;
    this.answer.classList.remove("stale");
    this.results.show(this.columns, this.rows);
  }

  /** Draw the mistakes of a query at their places, and list them. */
  refuse(error, text) {
    const mistakes = error instanceof ApiError ? error.errors.filter((each) => typeof each.message === "string") : [];
    const placed = mistakes
      .filter((each) => each.line !== undefined)
      .map((each) => {
        const from = offsetOf(text, each.line, each.column);
        return { each, from, to: Math.max(from + 1, offsetOf(text, each.end_line, each.end_column)) };
      });
    if (text === this.editor.value) this.editor.setMistakes(placed);
    const lines =
      mistakes.length > 0
        ? mistakes.map((each) =>
            this.problem(
              each,
              placed.find((one) => one.each === each),
            ),
          )
        : [h("p", null, error.message)];
    this.problems.replaceChildren(...lines);
    this.problems.hidden = false;
    this.answer.hidden = this.asked === null;
    // What is still shown is the answer to another query.
    this.answer.classList.add("stale");
    this.showExamples();
  }

  problem(each, placed) {
    const place = placed
      ? button(`${each.line}:${each.column}`, () => this.editor.goTo(placed.from), {
          class: "place",
          title: "Go to the place",
        })
      : null;
    return h(
      "div",
      { class: "problem" },
      each.code ? h("b", { class: "code" }, each.code) : null,
      place,
      h("span", null, ...withCode(each.message)),
      each.help ? h("p", { class: "help" }, "help: ", ...withCode(each.help)) : null,
    );
  }

  async explain(analyze) {
    const text = this.editor.value;
    if (text.trim() === "") return "There is no query to explain.";
    try {
      const answer = await getJson("page/explain", { body: { query: text, analyze } });
      return answer.plan;
    } catch (error) {
      this.refuse(error, text);
      return error.message;
    }
  }

  /** Download all rows of the query whose answer is shown. */
  async save(fmt) {
    const text = this.asked ?? this.editor.value;
    const before = this.status.textContent;
    await this.during(async (signal) => {
      if (fmt === "csv")
        await saveCsv(text, this.asked === null ? null : this.columns, {
          signal,
          say: (far) => this.say(`downloading … ${far}`),
        });
      else await saveArrow(text, { signal });
      this.say(before);
      say("Downloaded");
    }, text);
  }

  link() {
    return queryLink(this.editor.value, this.results.tab === "table" ? "" : this.results.tab);
  }

  retitle() {
    if (this.asked !== null && this.asked === this.editor.value) showAddress(this, this.link());
  }

  share() {
    showAddress(this, this.link());
    copyText(location.href);
  }

  /** Return the link to the trace of a row, where it is plain which object the row is from. */
  traceLink(row) {
    if (typeof row.root_span_id !== "string" || this.asked === null) return null;
    const named = this.language.objectsIn(this.asked);
    let object = named.length === 1 ? named[0] : null;
    object ??= OBJECT_FIELDS.filter(([field]) => typeof row[field] === "string")
      .map(([field, kind]) => `${kind}:${row[field]}`)
      .find((each) => named.includes(each));
    object ??= this.bareObject();
    if (object === null || object === undefined) return null;
    const span = typeof row.id === "string" ? row.id : row.span_id;
    return traceLink(object, row.root_span_id, typeof span === "string" ? span : "");
  }

  /** Return the object that a bare name behind FROM means, where there is one of that name. */
  bareObject() {
    const name = /\bfrom\s*:?\s*"?([\w-]+)"?(?!\s*\()/i.exec(this.asked)?.[1];
    const found = this.known.filter((each) => each.name === name);
    return found.length === 1 ? `${found[0].kind}:${found[0].name}` : null;
  }

  /** Offer queries to begin with, while there is neither a query nor an answer. */
  showExamples() {
    this.examples.hidden = !this.answer.hidden || !this.problems.hidden;
    if (this.examples.hidden) return;
    if (this.editor.value.trim() !== "") {
      this.examples.replaceChildren(h("p", { class: "dim" }, `Not run yet: ${KEYS} runs it.`));
      return;
    }
    if (this.asksForObjects) {
      // Whoever clicks one at once means an object that there is.
      this.examples.replaceChildren();
      return;
    }
    const first = this.known.find((each) => each.kind === "project_logs") ?? this.known[0];
    const source = first ? sourceText(`${first.kind}:${first.name}`) : "project_logs('my-project')";
    this.examples.replaceChildren(
      h("h2", null, "Begin with one of these"),
      ...examples(source).map(([what, text]) =>
        h(
          "button",
          { type: "button", class: "example", onclick: () => this.pick(text) },
          h("span", null, what),
          h("code", null, text),
        ),
      ),
      h(
        "p",
        { class: "dim" },
        `Ctrl Space completes clauses, functions, ${plural(this.known.length, "object")} and their fields.`,
      ),
    );
  }
}

/** Return a message with what stands between backticks as code. */
function withCode(message) {
  return message.split("`").map((piece, index) => (index % 2 === 1 ? h("code", null, piece) : piece));
}

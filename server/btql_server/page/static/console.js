// The query console: an editor for both languages, the answer below it, and what was run before.

import { ask, fields, getJson, objects } from "./api.js";
import { button, copyText, h, icon, ICONS, say } from "./dom.js";
import { saveArrow, saveCsv } from "./download.js";
import { Editor } from "./editor.js";
import { exampleList } from "./examples.js";
import { duration, plural } from "./format.js";
import { HistoryPanel, note } from "./history.js";
import { detect } from "./language.js";
import { queryLink, showAddress } from "./links.js";
import { rowLink } from "./origin.js";
import { mistakesOf, problemLines } from "./problems.js";
import { Results } from "./results.js";
import { VocabularyPanel } from "./vocabulary.js";

const SLOW_MS = 1_000;
const DRAFT = "btql.draft";
const KEYS = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
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
    const mistakes = mistakesOf(error, text);
    if (text === this.editor.value) this.editor.setMistakes(mistakes.filter(({ from }) => from !== null));
    this.problems.replaceChildren(...problemLines(error, mistakes, (from) => this.editor.goTo(from)));
    this.problems.hidden = false;
    this.answer.hidden = this.asked === null;
    // What is still shown is the answer to another query.
    this.answer.classList.add("stale");
    this.showExamples();
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

  traceLink(row) {
    return this.asked === null ? null : rowLink(row, this.asked, this.language, this.known);
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
    this.examples.replaceChildren(...exampleList(this.known, (text) => this.pick(text)));
  }
}

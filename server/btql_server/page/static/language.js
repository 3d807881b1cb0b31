// Colouring and completing queries. This only looks at words; what a query means is decided by the server.

import { quoted, sourceText } from "./format.js";

const SQL = /^(?:select|with|explain|values|insert|update|delete)\b(?!\s*:)|^\(/i;
const SPACE = /^(?:\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/;

/** The word that ends at the cursor; looked for from its beginning, as from each of its letters takes for ever. */
const WORD_BEFORE = /(?<![\p{L}\p{N}_."[\]-])[\p{L}\p{N}_."[\]-]*$/u;

/** Which of the two languages a text is in: the colon decides. */
export const detect = (text) => (SQL.test(text.replace(SPACE, "")) ? "sql" : "btql");

const PATTERN = new RegExp(
  [
    /(?<space>\s+)/,
    /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/,
    /(?<string>'(?:''|\\[\s\S]|[^'\\])*'?)/,
    /(?<name>"(?:""|\\[\s\S]|[^"\\])*"?)/,
    /(?<number>(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?%?)/,
    /(?<piece>\.[\p{L}_][\p{L}\p{N}_]*)/,
    /(?<word>[\p{L}_][\p{L}\p{N}_]*)/,
    /(?<operator><!?=>|->>?|#>>?|@>|<@|\|\||=>|<>|[<>!]=|[=<>+\-*/%?:~])/,
    /(?<other>[\s\S])/,
  ]
    .map((each) => each.source)
    .join("|"),
  "giu",
);

/** Returns what colours and completes a text, from the words that the server lists. */
export class Language {
  constructor(listed) {
    const set = (...lists) => new Set(lists.flat().map((word) => word.toLowerCase()));
    this.functions = listed.functions;
    this.clauses = listed.clauses;
    this.sqlStarts = listed.sql_starts;
    this.sqlKeywords = listed.sql_keywords;
    this.operators = listed.operators;
    this.shapes = listed.shapes;
    this.kinds = listed.object_kinds;
    this.isClause = set(listed.clauses);
    this.isFunction = set(listed.functions.map((each) => each.name));
    this.isKind = set(listed.object_kinds);
    this.isOperator = set(listed.operators);
    const starts = listed.sql_starts.flatMap((words) => words.split(" "));
    this.isKeyword = set(listed.sql_keywords, listed.btql_keywords, starts);
    this.isShape = set(listed.shapes);
    const kinds = listed.object_kinds.join("|");
    this.source = new RegExp(`\\b(${kinds})\\s*\\(\\s*(?:'((?:''|\\\\[\\s\\S]|[^'\\\\])*)'|"([^"]*)")`, "gi");
    this.inSource = new RegExp(`\\b(${kinds})\\s*\\(\\s*(['"])([^'"]*)$`, "i");
  }

  /** Return the text in pieces `[class, text]`, none of it left out. */
  tokens(text) {
    const found = [];
    for (const match of text.matchAll(PATTERN)) {
      const [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined);
      found.push([
        kind === "word" ? this.wordClass(match[0], text.slice(match.index + match[0].length)) : kind,
        match[0],
      ]);
    }
    return found;
  }

  wordClass(word, behind) {
    const lower = word.toLowerCase();
    const call = /^\s*\(/.test(behind);
    if (this.isClause.has(lower) && /^\s*:(?!:)/.test(behind)) return "keyword";
    if (call && this.isKind.has(lower)) return "kind";
    if (call && this.isFunction.has(lower)) return "function";
    if (lower === "true" || lower === "false" || lower === "null") return "constant";
    if (this.isOperator.has(lower)) return "operator";
    if (this.isKeyword.has(lower)) return "keyword";
    return this.isShape.has(lower) ? "shape" : "word";
  }

  /** Whether a query asks for the schema of fields instead of rows. */
  infers(text) {
    return this.tokens(text).some(([kind, piece]) => kind === "keyword" && piece.toLowerCase() === "infer");
  }

  /** Return every object that a text names, as `kind:name`. */
  objectsIn(text) {
    const code = this.tokens(text)
      .map(([kind, piece]) => (kind === "comment" ? " " : piece))
      .join("");
    return [
      ...new Set(
        [...code.matchAll(this.source)].map(([, kind, single, double]) => {
          const name = double ?? single.replaceAll(/''|\\['\\]/g, (pair) => pair[1]);
          return `${kind.toLowerCase()}:${name}`;
        }),
      ),
    ];
  }

  /**
   * Return what may stand at the cursor: `{from, items}`; an item has `text`, `insert`, `kind` and `detail`.
   * `asked` gives objects, and the fields of one, as promises.
   */
  async complete(text, cursor, asked) {
    const before = text.slice(0, cursor);
    if (this.insideText(before)) {
      const source = this.inSource.exec(before);
      return source === null ? nothing(cursor) : this.objectNames(source, cursor, asked);
    }
    const word = WORD_BEFORE.exec(before)[0];
    const from = cursor - word.length;
    const items = await this.candidates(text, before, word, asked);
    return { from, items: ranked(items, word) };
  }

  /** Whether the cursor stands in a string or a comment. */
  insideText(before) {
    const last = this.tokens(before).at(-1);
    if (last === undefined) return false;
    const [kind, text] = last;
    if (kind === "comment") return text.startsWith("--") || !text.endsWith("*/");
    return kind === "string" && (text.length === 1 || !text.endsWith("'"));
  }

  async objectNames([, kind, quote, start], cursor, asked) {
    const { objects } = await asked.objects();
    const within = (name) => (quote === "'" ? quoted(name) : JSON.stringify(name)).slice(1, -1);
    const items = objects
      .filter((each) => each.kind === kind.toLowerCase())
      .map((each) => ({
        text: each.name,
        insert: within(each.name),
        kind: "object",
        detail: labelled(each),
        also: each.label,
      }));
    return { from: cursor - start.length, items: ranked(items, start) };
  }

  async candidates(text, before, word, asked) {
    const start = before.slice(0, before.length - word.length);
    const isSql = detect(text) === "sql";
    const clauses = this.clauses.map((clause) => item(`${clause}:`, `${clause}: `, "clause", ""));
    if (start.replace(SPACE, "").trim() === "") {
      return [...clauses, ...this.sqlStarts.map((words) => item(words, `${words} `, "SQL", ""))];
    }
    if (/\|\s*$/.test(start) && !isSql) return clauses;
    if (/\b(?:from\s*:?|join|update|into)\s+$/i.test(start)) return this.sources(asked);
    const shapes = /\)\s+$/.test(start) ? this.shapes.map((shape) => item(shape, shape, "shape", "")) : [];
    const paths = await this.fieldsOf(text, asked);
    const words = [
      ...(isSql ? this.sqlKeywords.map((each) => item(each, `${each} `, "SQL", "")) : clauses),
      ...this.operators.map((each) => item(each, each, "operator", "")),
    ];
    return [...shapes, ...paths, ...this.functionItems(), ...(word === "" ? [] : words)];
  }

  async sources(asked) {
    const { objects } = await asked.objects();
    const known = objects.map((each) => {
      const text = sourceText(`${each.kind}:${each.name}`);
      return { ...item(text, text, "object", labelled(each)), also: each.label };
    });
    const kinds = this.kinds.map((kind) => ({ ...item(`${kind}(…)`, `${kind}('`, "object", ""), late: true }));
    return [...known, ...kinds];
  }

  async fieldsOf(text, asked) {
    const objects = this.objectsIn(text);
    const lists = await Promise.all(objects.slice(0, 4).map((each) => asked.fields(each)));
    const paths = new Map(lists.flat().map((field) => [field.path, field.kinds.join(", ")]));
    return [...paths].map(([path, kinds]) => item(path, path, "field", kinds));
  }

  functionItems() {
    return this.functions.map((each) => ({
      ...item(each.name, `${each.name}(`, each.aggregate ? "aggregate" : "function", each.summary),
      signature: each.signature,
    }));
  }
}

const nothing = (from) => ({ from, items: [] });

const item = (text, insert, kind, detail) => ({ text, insert, kind, detail });

const labelled = (each) => [each.label === each.name ? "" : each.label, each.project ?? ""].filter(Boolean).join(" · ");

const bare = (text) => text.replaceAll('"', "").toLowerCase();

/** Return the items that fit a word, best first: that begin with it, a piece of which does, that have it somewhere. */
function ranked(items, word) {
  const wanted = bare(word);
  const rank = (each) => {
    const text = bare(each.text);
    if (text.startsWith(wanted)) return 0;
    if (text.split(/[._(']/).some((piece) => piece.startsWith(wanted))) return 1;
    if (bare(each.also ?? "").includes(wanted)) return 2;
    return wanted.length > 1 && text.includes(wanted) ? 3 : null;
  };
  // Short paths come first; all else is as common as a path of one piece.
  const depth = (each) => (each.kind === "field" ? each.text.split(".").length : 1);
  return items
    .map((each, place) => ({ each, place, rank: rank(each) }))
    .filter((one) => one.rank !== null && !(one.each.text === word && one.each.insert === word))
    .sort(
      (a, b) =>
        Number(a.each.late ?? false) - Number(b.each.late ?? false) ||
        a.rank - b.rank ||
        depth(a.each) - depth(b.each) ||
        a.place - b.place,
    )
    .slice(0, 200)
    .map((one) => one.each);
}

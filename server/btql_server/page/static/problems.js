// What is wrong with a query: each mistake, its place, and what to do.

import { ApiError } from "./api.js";
import { button, h } from "./dom.js";
import { offsetOf } from "./editor.js";

/** Return the mistakes that an error tells of, each with where it begins and ends in the text, if it has a place. */
export function mistakesOf(error, text) {
  const told = error instanceof ApiError ? error.errors.filter((each) => typeof each.message === "string") : [];
  return told.map((mistake) => {
    if (mistake.line === undefined) return { mistake, from: null, to: null };
    const from = offsetOf(text, mistake.line, mistake.column);
    return { mistake, from, to: Math.max(from + 1, offsetOf(text, mistake.end_line, mistake.end_column)) };
  });
}

/** Return a line for each mistake, or one for the error itself; `ongo` is called with a place to go to. */
export function problemLines(error, mistakes, ongo) {
  return mistakes.length > 0 ? mistakes.map((each) => problemLine(each, ongo)) : [h("p", null, error.message)];
}

function problemLine({ mistake, from }, ongo) {
  const place =
    from === null
      ? null
      : button(`${mistake.line}:${mistake.column}`, () => ongo(from), { class: "place", title: "Go to the place" });
  return h(
    "div",
    { class: "problem" },
    mistake.code ? h("b", { class: "code" }, mistake.code) : null,
    place,
    h("span", null, ...withCode(mistake.message)),
    mistake.help ? h("p", { class: "help" }, "help: ", ...withCode(mistake.help)) : null,
  );
}

/** Return a message with what stands between backticks as code. */
function withCode(message) {
  return message.split("`").map((piece, index) => (index % 2 === 1 ? h("code", null, piece) : piece));
}

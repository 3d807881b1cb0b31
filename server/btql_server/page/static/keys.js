// The keys of the trace view: what each does, and the line that says so.

import { h } from "./dom.js";

/** Return the line that says which keys there are. */
export function keyHints() {
  const keys = [
    ["↑ ↓", "move"],
    ["← →", "fold"],
    ["Enter", "read"],
    ["/", "search"],
    ["n N", "next, previous match"],
    ["e", "next error"],
    ["z", "zoom"],
    ["r", "refresh"],
    ["Esc", "back"],
  ];
  return h(
    "div",
    { class: "hints", "aria-hidden": "true" },
    keys.map(([key, what]) => h("span", null, h("kbd", null, key), ` ${what}`)),
  );
}

/** Do what a key means in the tree. */
export function keyInTree(view, event) {
  if (event.target !== view.tree || event.ctrlKey || event.metaKey || event.altKey || view.chosen === null) return;
  const node = view.chosen;
  const to = (index) =>
    view.choose(view.lines[Math.max(0, Math.min(view.lines.length - 1, index))], { reveal: true });
  obey(event, {
    ArrowDown: () => to(node.index + 1),
    ArrowUp: () => to(node.index - 1),
    PageDown: () => to(node.index + view.list.page),
    PageUp: () => to(node.index - view.list.page),
    Home: () => to(0),
    End: () => to(view.lines.length - 1),
    ArrowRight: () => (node.closed ? view.fold(node, false) : node.children.length > 0 && to(node.index + 1)),
    ArrowLeft: () =>
      !node.closed && node.children.length > 0
        ? view.fold(node, true)
        : node.parent && view.choose(node.parent, { reveal: true }),
    " ": () => view.fold(node, !node.closed),
    Enter: () => view.detail.focus(),
    Escape: () => view.leave(),
  });
}

/** Do what a key means wherever one is in the view, but where one writes. */
export function keyAnywhere(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  obey(event, {
    "/": () => view.search.focus(),
    n: () => view.search.step(1),
    N: () => view.search.step(-1),
    e: () => view.nextError(),
    r: () => view.refresh(),
    z: () => view.zoom(view.window ? null : view.chosen),
  });
}

function obey(event, actions) {
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}

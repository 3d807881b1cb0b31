// What the browser starts with: the key, and which view an address shows.
//
//   #                                  the objects, and traces of one      traces.js, listed.js, objects.js
//   #object=<kind:name>                the newest traces of an object      traces.js
//   #trace=<kind:name>&id=<id>&span=   one trace                           trace.js, model.js, row.js, detail.js
//   #query=<text>&view=                the query console                   console.js, editor.js, results.js
//
// Everything is in the fragment, which browsers do not send: no query and no id lands in a server's log of addresses.

import { askKeysWith, changeKey, hasKey, language, objects } from "./api.js";
import { QueryView } from "./console.js";
import { h } from "./dom.js";
import { Language } from "./language.js";
import { TraceView } from "./trace.js";
import { TracesView } from "./traces.js";

const main = document.getElementById("main");

/** Ask for a key; the promise ends once one was given, or with null where none is `needed` and none was given. */
function askForKey(reason, needed) {
  const dialog = document.getElementById("key-dialog");
  const input = document.getElementById("key-input");
  document.getElementById("key-why").textContent = reason;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    let key = null;
    document.getElementById("key-form").onsubmit = (event) => {
      event.preventDefault();
      key = input.value.trim();
      dialog.close();
      document.getElementById("key").hidden = false;
    };
    dialog.onclose = () => {
      // Without a key there is nothing to see behind the dialog, and no way to keep Escape from closing it.
      if (needed && key === null) dialog.showModal();
      else resolve(key);
    };
  });
}

async function start() {
  askKeysWith(askForKey);
  const keyButton = document.getElementById("key");
  keyButton.hidden = !hasKey();
  keyButton.addEventListener("click", async () => {
    if (await changeKey("Another key for this tab.", { needed: false })) location.reload();
  });
  const words = new Language(await language());
  const views = { traces: new TracesView(words), query: new QueryView(words), trace: new TraceView() };
  for (const view of Object.values(views)) {
    view.element.hidden = true;
    main.append(view.element);
  }
  const route = () => show(views);
  window.addEventListener("hashchange", route);
  route();
  const who = document.getElementById("who");
  // The views say by themselves what cannot be asked for.
  objects().then(
    ({ organization, user }) => who.append([organization, user].filter(Boolean).join(" · ")),
    () => undefined,
  );
}

/** Show the view that the address names. */
function show(views) {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const name = parameters.has("query") ? "query" : parameters.has("trace") ? "trace" : "traces";
  for (const [each, view] of Object.entries(views)) view.element.hidden = each !== name;
  for (const [id, current] of [
    ["nav-traces", name !== "query"],
    ["nav-query", name === "query"],
  ]) {
    const link = document.getElementById(id);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  views[name].open(parameters);
  document.title = `${views[name].title} · btql`;
}

start().catch((error) => {
  main.replaceChildren(
    h("div", { class: "problems", role: "alert" }, h("p", null, `The page cannot start: ${error.message}`)),
  );
});

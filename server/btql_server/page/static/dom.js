// Making elements. Text is always set as text, never as HTML: nothing that a trace says becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element: attributes, `on…` listeners, `style` as an object, and children. */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an SVG element. */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    // The content security policy forbids the attribute, not the object model.
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** Return a button. */
export function button(text, onclick, attributes) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** Return a small icon of lines, by the `d` of its path in a square of 16. */
export function icon(d) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
}

export const ICONS = {
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  open: "M6 3.5H3.5v9h9V10M9 3.5h3.5V7M12 4L7.5 8.5",
  close: "M4 4l8 8M12 4l-8 8",
  link: "M6.5 9.5l3-3M7 4.5l1-1a2.8 2.8 0 014 4l-1 1M9 11.5l-1 1a2.8 2.8 0 01-4-4l1-1",
  play: "M5 3.5v9l7.5-4.5z",
  search: "M7 3a4 4 0 100 8 4 4 0 000-8zM10 10l3.5 3.5",
};

/** Say something to screen readers, and show it for a moment. */
export function say(text) {
  document.getElementById("said").textContent = text;
  document.querySelector(".toast")?.remove();
  const toast = h("div", { class: "toast", "aria-hidden": "true" }, text);
  document.body.append(toast);
  setTimeout(() => toast.remove(), 1800);
}

/** Put text into the clipboard. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard API.
    const area = h("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say("Copied");
}

/** Return a button that copies what `text()` returns. */
export function copyButton(text, label = "Copy") {
  const copy = (event) => {
    event.stopPropagation();
    copyText(text());
  };
  return h(
    "button",
    { type: "button", class: "ghost", title: label, "aria-label": label, onclick: copy },
    icon(ICONS.copy),
  );
}

/** Follow the pointer until it is let go: `onmove` is given how far it is to the right of where it began, in pixels. */
export function drag(event, onmove) {
  event.preventDefault();
  const move = (moved) => onmove(moved.clientX - event.clientX);
  const stop = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", stop);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", stop);
}

/** Return a function that runs `work` once per frame, however often it is called. */
export function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** Offer bytes or text as a file. */
export function saveFile(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

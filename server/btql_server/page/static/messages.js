// Inputs and outputs of language models as conversations, in the shapes that the common providers use.

import { button, copyButton, h } from "./dom.js";
import { parse } from "./exact.js";
import { asText, count, inLine } from "./format.js";
import { foldedText, hasWanted, jsonTree } from "./json.js";

/** A conversation with more messages is folded, all but the first and the last ones. */
const LONG = 80;
const FIRST = 10;
const LAST = 40;
const ROLES = new Set(["system", "developer", "user", "human", "assistant", "ai", "model", "tool", "function"]);

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isMessage = (value) =>
  isObject(value) && ROLES.has(value.role) && ("content" in value || "tool_calls" in value || "parts" in value);
const areMessages = (value) => Array.isArray(value) && value.length > 0 && value.every(isMessage);

/** Return the messages that a value holds, or null where it is something else. */
export function messagesIn(value) {
  if (areMessages(value)) return value;
  if (isMessage(value)) return [value];
  if (Array.isArray(value) && value.length > 0 && value.every((each) => isMessage(each?.message)))
    return value.map((each) => each.message);
  if (!isObject(value)) return null;
  if (Array.isArray(value.choices)) return messagesIn(value.choices);
  if (areMessages(value.messages))
    return typeof value.system === "string"
      ? [{ role: "system", content: value.system }, ...value.messages]
      : value.messages;
  if (areMessages(value.contents)) return value.contents;
  return isMessage(value.message) ? [value.message] : null;
}

/** Return messages as a conversation; of a very long one the middle is folded. */
function conversation(messages) {
  const middle = messages.length > LONG ? messages.slice(FIRST, -LAST) : [];
  if (middle.length === 0 || hasWanted(middle)) return h("ol", { class: "conversation" }, messages.map(oneMessage));
  const more = button(
    `show ${count(middle.length)} messages between`,
    () => fold.replaceWith(...middle.map(oneMessage)),
    { class: "more" },
  );
  const fold = h("li", null, more);
  return h(
    "ol",
    { class: "conversation" },
    messages.slice(0, FIRST).map(oneMessage),
    fold,
    messages.slice(-LAST).map(oneMessage),
  );
}

function oneMessage(message) {
  const role = { human: "user", ai: "assistant", model: "assistant", function: "tool" }[message.role] ?? message.role;
  const name = message.name ?? message.tool_call_id;
  return h(
    "li",
    { class: `message from-${role}` },
    h(
      "div",
      { class: "message-head" },
      h("b", null, role),
      name ? h("span", { class: "dim" }, inLine(name)) : null,
      h("span", { class: "grow" }),
      copyButton(() => asText(message.content ?? message), "Copy this message"),
    ),
    h(
      "div",
      { class: "message-body" },
      parts(role === "tool" ? parsed(message.content ?? message.parts) : (message.content ?? message.parts)),
      toolCalls(message.tool_calls),
      message.refusal ? h("div", { class: "refusal" }, asText(message.refusal)) : null,
    ),
  );
}

function parts(content) {
  if (content === null || content === undefined) return null;
  if (typeof content === "string") return prose(content);
  if (Array.isArray(content)) return content.map((part) => (typeof part === "string" ? prose(part) : onePart(part)));
  return jsonTree(content, { open: 2 });
}

function onePart(part) {
  if (!isObject(part)) return jsonTree(part);
  if (typeof part.text === "string" && ["text", "input_text", "output_text", undefined].includes(part.type))
    return prose(part.text);
  if (part.type === "thinking" || part.type === "reasoning")
    return h(
      "div",
      { class: "thinking" },
      h("span", { class: "part-name" }, "thinking"),
      parts(part.thinking ?? part.text ?? part.content ?? part),
    );
  if (part.type === "tool_use") return call(part.name, part.input, part.id);
  if (part.type === "tool_result")
    return h(
      "div",
      { class: "tool-part" },
      h("span", { class: "part-name" }, "tool result"),
      h("span", { class: "dim" }, inLine(part.tool_use_id)),
      parts(part.content),
    );
  return image(part) ?? jsonTree(part, { open: 2 });
}

function toolCalls(given) {
  if (given === null || given === undefined) return null;
  return Array.isArray(given) ? given.map(toolCall) : jsonTree(given, { open: 2 });
}

const toolCall = (each) =>
  isObject(each)
    ? call(each.function?.name ?? each.name, each.function?.arguments ?? each.arguments, each.id)
    : jsonTree(each);

function call(name, given, id) {
  return h(
    "div",
    { class: "tool-part" },
    h("span", { class: "part-name" }, "calls"),
    h("code", { class: "tool-name" }, inLine(name ?? "a tool")),
    h("span", { class: "dim" }, inLine(id)),
    jsonTree(parsed(given), { open: 2 }),
  );
}

/** Return an image that lies in the trace itself; one on another server is only named: nothing is loaded from there. */
function image(part) {
  const url =
    part.image_url?.url ??
    part.image_url ??
    (part.source?.type === "base64" ? `data:${part.source.media_type};base64,${part.source.data}` : null);
  if (typeof url !== "string") return null;
  if (/^data:image\/(png|jpeg|gif|webp);base64,/.test(url))
    return h("img", { class: "picture", src: url, alt: "an image of the message" });
  return h(
    "div",
    { class: "tool-part" },
    h("span", { class: "part-name" }, "image"),
    h("code", null, url.slice(0, 300)),
  );
}

const prose = (text) => h("div", { class: "prose" }, foldedText(text));

/** Return what a text says as JSON, or the text. */
function parsed(text) {
  if (typeof text !== "string" || !/^\s*[[{]/.test(text)) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** Return any input or output as people read it best. */
export function pretty(value) {
  const messages = messagesIn(value);
  if (messages !== null) return conversation(messages);
  if (typeof value === "string") {
    const inside = parsed(value);
    return typeof inside === "string" ? prose(value) : jsonTree(inside, { open: 3 });
  }
  return jsonTree(value, { open: 3 });
}

/** Say how large a value is. */
export function sizeOf(value) {
  const messages = messagesIn(value);
  if (messages !== null) return `${count(messages.length)} ${messages.length === 1 ? "message" : "messages"}`;
  const length = asText(value).length;
  return length > 2000 ? `${count(Math.round(length / 1000))} K characters` : "";
}

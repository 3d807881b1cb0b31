// Inputs and outputs of language models as conversations, in the shapes that the common providers use.

import { button, copyButton, h } from "./dom.js";
import { asText, count, inLine } from "./format.js";
import { hasWanted, jsonTree } from "./json.js";
import { content, isObject, parsed, prose, thoughts, toolCall } from "./parts.js";

/** A conversation with more messages is folded, all but the first and the last ones. */
const LONG = 80;
const FIRST = 10;
const LAST = 40;
const ROLES = new Set(["system", "developer", "user", "human", "assistant", "ai", "model", "tool", "function"]);

/** Of what OpenAI's responses have beside messages, who says it. */
const ITEMS = new Map([
  ["function_call", "assistant"],
  ["function_call_output", "tool"],
  ["reasoning", "assistant"],
]);
/** What is shown of a message, and what says nothing to people. */
const SHOWN = new Set([
  ...["role", "content", "parts", "tool_calls", "function_call", "reasoning_content", "refusal", "name"],
  ...["tool_call_id", "id", "type", "status", "finish_reason"],
]);
/** Where values have their messages, and how: each gives null where there are none. */
const PLACES = {
  choices: messagesIn,
  messages: (value) => listed(value),
  contents: (value) => listed(value),
  candidates: (value) => (Array.isArray(value) ? listed(value.map((each) => each?.content)) : null),
  message: (value) => (isMessage(value) ? [value] : null),
  output: messagesIn,
  input: messagesIn,
};
/** Where values have what the model is told before. */
const SYSTEM = ["system", "systemInstruction", "system_instruction", "instructions"];

const isMessage = (value) =>
  isObject(value) && ROLES.has(value.role) && ("content" in value || "tool_calls" in value || "parts" in value);

/** Return an item of a list as a message; null where it is none. */
function asMessage(item) {
  if (isMessage(item)) return item;
  return isObject(item) && ITEMS.has(item.type) ? { role: ITEMS.get(item.type), content: [item] } : null;
}

/** Return a list as messages; null where it has anything else. */
function listed(value) {
  const messages = Array.isArray(value) ? value.map(asMessage) : [];
  return messages.length > 0 && !messages.includes(null) ? messages : null;
}

/** Return the messages that a value holds, or null where it is something else. */
export function messagesIn(value) {
  return conversationIn(value)?.messages ?? null;
}

/** Return the messages that a value holds, and what it has beside them; null where it holds none. */
function conversationIn(value) {
  if (isMessage(value)) return { messages: [value], beside: {} };
  if (Array.isArray(value)) {
    const messages = listed(value) ?? listed(value.map((each) => each?.message));
    return messages === null ? null : { messages, beside: {} };
  }
  if (!isObject(value)) return null;
  for (const [name, find] of Object.entries(PLACES)) {
    const messages = Object.hasOwn(value, name) ? find(value[name]) : null;
    if (messages === null) continue;
    const told = SYSTEM.filter((each) => !isNothing(value[each]));
    const before = told.map((each) => ({
      role: "system",
      content: Array.isArray(value[each]?.parts) ? value[each].parts : value[each],
    }));
    return { messages: [...before, ...messages], beside: without(value, new Set([name, ...told])) };
  }
  return null;
}

const isNothing = (value) => value === null || value === undefined || value === "" || isEmptyList(value);
const isEmptyList = (value) => Array.isArray(value) && value.length === 0;

/** Return what an object has beside some keys. */
const without = (value, names) =>
  Object.fromEntries(Object.entries(value).filter(([name, each]) => !names.has(name) && !isNothing(each)));

/** Return what stands beside messages, folded. */
const folded = (beside) => (Object.keys(beside).length > 0 ? jsonTree(beside, { open: 0 }) : null);

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
  const said = message.content ?? message.parts;
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
      isNothing(message.reasoning_content) ? null : thoughts(message.reasoning_content),
      content(role === "tool" ? parsed(said) : said),
      toolCalls(message.tool_calls),
      isNothing(message.function_call) ? null : toolCall(message.function_call),
      message.refusal ? h("div", { class: "refusal" }, asText(message.refusal)) : null,
      folded(without(message, SHOWN)),
    ),
  );
}

function toolCalls(given) {
  if (given === null || given === undefined) return null;
  return Array.isArray(given) ? given.map(toolCall) : jsonTree(given, { open: 2 });
}

/** Return any input or output as people read it best. */
export function pretty(value) {
  const found = conversationIn(value);
  if (found !== null) return h("div", null, conversation(found.messages), folded(found.beside));
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

// Parts of a message: texts, thoughts, calls of tools and what they gave, pictures; as the common providers write them.

import { h } from "./dom.js";
import { parse } from "./exact.js";
import { inLine } from "./format.js";
import { foldedText, jsonTree } from "./json.js";

const TEXTS = new Set(["text", "input_text", "output_text", "summary_text", undefined]);
const THOUGHTS = new Set(["thinking", "reasoning"]);
const CALLS = new Set(["function", "function_call", "tool_use", "server_tool_use", "tool_call", "tool-call"]);
const RESULTS = new Set(["function_call_output", "tool_result", "tool_call_response", "tool-result"]);
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,/;

export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

export const prose = (text) => h("div", { class: "prose" }, foldedText(text));

/** Return what a text says as JSON, or the text. */
export function parsed(text) {
  if (typeof text !== "string" || !/^\s*[[{]/.test(text)) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** Return the content of a message: a text, or parts. */
export function content(given) {
  if (given === null || given === undefined) return null;
  if (typeof given === "string") return prose(given);
  if (Array.isArray(given)) return given.map((part) => (typeof part === "string" ? prose(part) : onePart(part)));
  return jsonTree(given, { open: 2 });
}

function onePart(part) {
  if (!isObject(part)) return jsonTree(part);
  const text = part.text ?? (part.type === "text" ? part.content : undefined);
  if (typeof text === "string" && TEXTS.has(part.type)) return prose(text);
  if (THOUGHTS.has(part.type)) return thoughts(part.thinking ?? part.text ?? part.content ?? part.summary ?? part);
  return call(part) ?? result(part) ?? picture(part) ?? jsonTree(part, { open: 2 });
}

export const thoughts = (given) =>
  h("div", { class: "thinking" }, h("span", { class: "part-name" }, "thinking"), content(given));

/** Return the call of a tool; null where a part is none. */
function call(part) {
  const inside = [part.function, part.functionCall, part.function_call, part.toolUse].find(isObject);
  return inside === undefined && !CALLS.has(part.type) ? null : drawnCall(part, inside ?? part);
}

/** Return a call that stands where there are only calls. */
export const toolCall = (part) => (isObject(part) ? (call(part) ?? drawnCall(part, part)) : jsonTree(part));

function drawnCall(part, inside) {
  const given = inside.arguments ?? inside.args ?? inside.input;
  return tool(
    h("span", { class: "part-name" }, "calls"),
    h("code", { class: "tool-name" }, inLine(inside.name ?? inside.toolName ?? "a tool")),
    h("span", { class: "dim" }, inLine(part.call_id ?? part.toolCallId ?? inside.toolUseId ?? part.id)),
    jsonTree(parsed(given), { open: 2 }),
  );
}

/** Return what a tool gave; null where a part is nothing like it. */
function result(part) {
  const inside =
    [part.functionResponse, part.function_response, part.toolResult].find(isObject) ??
    (RESULTS.has(part.type) ? part : null);
  if (inside === null) return null;
  const id = inside.tool_use_id ?? inside.call_id ?? inside.toolCallId ?? inside.toolUseId ?? inside.id;
  const failed = inside.is_error === true || inside.status === "error";
  return tool(
    h("span", { class: failed ? "part-name bad" : "part-name" }, failed ? "tool error" : "tool result"),
    h("span", { class: "dim" }, [inside.name ?? inside.toolName, id].map((each) => inLine(each)).join(" ").trim()),
    content(parsed(inside.content ?? inside.response ?? inside.result ?? inside.output)),
  );
}

const tool = (...inside) => h("div", { class: "tool-part" }, inside);

/** Return a picture that lies in the trace itself; one on another server is only named: nothing is loaded there. */
function picture(part) {
  const url = addressOf(part);
  if (typeof url !== "string" || (url.startsWith("data:") && !url.startsWith("data:image/"))) return null;
  if (PICTURE.test(url)) return h("img", { class: "picture", src: url, alt: "an image of the message" });
  return tool(h("span", { class: "part-name" }, "image"), h("code", null, url.slice(0, 300)));
}

function addressOf(part) {
  const { source, image } = part;
  const data = (media, text) => (typeof text === "string" ? `data:${media};base64,${text}` : null);
  return (
    part.image_url?.url ??
    part.image_url ??
    data(source?.media_type, source?.type === "base64" ? source.data : null) ??
    data(part.inlineData?.mimeType, part.inlineData?.data) ??
    data(part.inline_data?.mime_type, part.inline_data?.data) ??
    data(`image/${image?.format}`, image?.source?.bytes) ??
    data(part.mime_type, part.type === "blob" ? part.content : null) ??
    (/^(?:data|https?):/.test(image) ? image : data(part.mediaType ?? "image/png", image))
  );
}

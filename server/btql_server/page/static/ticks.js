// The axis of a timeline.

import { h } from "./dom.js";
import { duration, roundSeconds } from "./format.js";

const TICKS = 5;
/** From here on there is no room for a text. */
const LAST = 0.93;

/**
 * Return the marks of an axis of some seconds that begins so many seconds after the trace, and how far they are
 * apart, as a share of the axis.
 */
export function ticks(length, first) {
  const step = roundSeconds(length / TICKS);
  const marks = [];
  for (let at = 0; at < length && step > 0; at += step) {
    const left = `${(at / length) * 100}%`;
    // Nobody needs the zeros of a round number: "2 s", "1 m".
    const text = at / length > LAST ? "" : duration(first + at).replace(/\.0+(?= s$)|(?<=[mh]) 00 [sm]$/, "");
    marks.push(h("span", { class: "tick-mark", style: { left } }, text));
  }
  return { marks, step: length > 0 ? step / length : 1 };
}

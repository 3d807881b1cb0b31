// JSON as it was written: whole numbers that JavaScript's numbers cannot hold become BigInts, and are written as such.

/** A number of that many digits where JSON has a value, and not inside of a longer fraction. */
const LONG = /[:[,]\s*-?\d{16}/;

const revive = (key, value, context) =>
  typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
    ? BigInt(context.source)
    : value;

/** Return the value of a JSON text. */
export function parse(text) {
  // Looking at each value takes its time, which few texts are worth.
  return LONG.test(text) ? JSON.parse(text, revive) : JSON.parse(text);
}

const raw = (key, value) => (typeof value === "bigint" ? (JSON.rawJSON?.(String(value)) ?? String(value)) : value);

/** Return a value as JSON. */
export const stringify = (value, indent) => JSON.stringify(value, raw, indent);

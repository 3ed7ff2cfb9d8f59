/** How much of a value is shown, in UTF-16 code units. */
const MAX_SHOWN = 60;

/** Up to how many UTF-16 code units text is counted in code points; beyond, nobody tells the difference. */
const MAX_COUNTED = 100_000;

/**
 * Shows a value from JSON as JSON, cut after about 60 characters.
 *
 * @example
 * ```ts
 * import { quoteValue } from "./describe_value.ts";
 *
 * quoteValue("huge"); // '"huge"'
 * ```
 */
export function quoteValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  return shorten(JSON.stringify(value));
}

/** Describes a value from JSON that is not for other eyes: text and lists by their length, an object as such. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") {
    return `of length ${countCharacters(value).toLocaleString("en-US")}`;
  }
  if (Array.isArray(value)) return `of length ${value.length}`;
  const isObject = typeof value === "object" && value !== null;
  return isObject ? "of type object" : quoteValue(value);
}

function countCharacters(text: string): number {
  return text.length > MAX_COUNTED ? text.length : Array.from(text).length;
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN
    ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…`
    : text;
}

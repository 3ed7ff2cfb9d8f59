import * as z from "zod";

/**
 * Makes the schema of text that can be handed to a process and to a model: well-formed Unicode without NUL.
 *
 * @param max The most characters, counted as Unicode code points
 * @param expected What the message says about text that is too long, or no text
 */
export function textSchema(max: number, expected: string): z.ZodString {
  return z.string(expected)
    .refine((text) => !isLonger(text, max), expected)
    .refine((text) => !text.includes("\0"), "expected no NUL character")
    .refine(
      (text) => text.isWellFormed(),
      "expected well-formed Unicode, without half a surrogate pair",
    );
}

function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  // A code point takes at most two code units, so long text need not be counted.
  return text.length > 2 * max || Array.from(text).length > max;
}

import { closestString } from "@std/text/closest-string";
import * as z from "zod";

/** The one image model. */
export const MODEL = "gpt-image-2" as const;

/** The most images of one request. */
export const MAX_IMAGES = 4;

/** The qualities of an image. */
export const QUALITIES = ["auto", "high", "medium", "low"] as const;

/** The quality of an image; `auto` leaves it to the model. */
export type Quality = typeof QUALITIES[number];

/** The formats of a delivered image. */
export const OUTPUT_FORMATS = ["png", "jpeg", "webp"] as const;

/** The format of a delivered image. */
export type OutputFormat = typeof OUTPUT_FORMATS[number];

/** The kinds of background. */
export const BACKGROUNDS = ["auto", "opaque", "transparent"] as const;

/** The kind of background; `auto` leaves it to the model. */
export type Background = typeof BACKGROUNDS[number];

/** The ways to bring an image to the wanted size. */
export const FITS = ["cover", "contain", "none"] as const;

/** The way to bring an image to the wanted size: fill it and crop, fit inside and pad, or leave the image as it is. */
export type Fit = typeof FITS[number];

/** The longest edge of a canvas or a reference that a caller may tell of, in pixels. */
const MAX_EDGE = 1_000_000;

const EXPECTED = `expected a number from 1 to ${
  MAX_EDGE.toLocaleString("en-US")
}`;

/** The schema of an edge that a caller tells of; fractions are welcome, for applications measure in other units. */
export const edgeSchema = z.number(EXPECTED).min(1, EXPECTED)
  .max(MAX_EDGE, EXPECTED);

/** Makes a field optional: a missing one and `null` both become `undefined`. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** How much of an unknown name is compared with the known ones. */
const MAX_NAME = 60;

/**
 * Makes the schema of an object that has the named fields and no others; the message about an unknown field suggests the
 * nearest known name.
 *
 * @param shape The schemas of the fields, in the order in which their issues are reported
 * @param expected What the message says where there is no object at all
 */
export function strictFields<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  expected: string,
): z.ZodObject<Shape, z.core.$strict> {
  const names = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return expected;
      const name = issue.keys[0].slice(0, MAX_NAME);
      return `there is no such field, the nearest is "${
        closestString(name, names)
      }"`;
    },
  });
}

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

import { closestString } from "@std/text/closest-string";
import * as z from "zod";
import type { ValidationErrorCode } from "./validation_error.ts";

/** The longest edge of a canvas or a reference that a caller may tell of, in pixels. */
const MAX_EDGE = 1_000_000;
/** How much of an unknown name is compared with the known ones. */
const MAX_NAME = 60;

const EDGE = `expected a number from 1 to ${MAX_EDGE.toLocaleString("en-US")}`;

/**
 * What a field of a form holds.
 *
 * Text stands for text, a number or a truth value. An object is written in JSON, or its members stand in fields such as
 * `canvas_size[width]`. Of `files` there may be any number, and of `files[]` the name may end in brackets.
 */
export type FieldKind =
  | "text"
  | "number"
  | "boolean"
  | "object"
  | "file"
  | "files"
  | "files[]";

/** One field of a request. */
export interface Field {
  /** What it may hold in JSON; left out where only forms have it. */
  readonly schema?: z.ZodType;
  /** What it holds in a form; left out where only JSON has it. */
  readonly form?: FieldKind;
  /** The code of the answer when it is at fault. */
  readonly code: ValidationErrorCode;
  /** What it means, in Markdown. */
  readonly words: string;
}

/** The fields of a request, in the order in which faults are reported. */
export type FieldTable = Readonly<Record<string, Field>>;

/** The schemas of those fields that JSON has. */
export type FieldSchemas<Table extends FieldTable> = {
  [
    Name in keyof Table as Table[Name] extends { readonly schema: z.ZodType }
      ? Name
      : never
  ]: Table[Name] extends { readonly schema: infer Schema extends z.ZodType }
    ? Schema
    : never;
};

/** Makes the schema of a JSON body out of its fields. */
export function bodySchema<Table extends FieldTable>(
  table: Table,
): z.ZodObject<FieldSchemas<Table>, z.core.$strict> {
  const schemas = Object.entries(table).flatMap(([name, { schema }]) =>
    schema === undefined ? [] : [[name, schema]]
  );
  return strictFields(
    Object.fromEntries(schemas) as FieldSchemas<Table>,
    "expected a JSON object",
  );
}

/** The schema of an edge that a caller tells of; fractions are welcome, for applications measure in other units. */
export const edgeSchema = z.number(EDGE).min(1, EDGE).max(MAX_EDGE, EDGE);

/** Makes a field optional: a missing one and `null` both become `undefined`. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

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
      if (names.length === 0) return "expected no fields";
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

/** Makes the schema of a word out of several, each with its meaning. */
export function wordSchema<Word extends string, Meaning>(
  meanings: Readonly<Record<Word, Meaning>>,
) {
  const words = Object.keys(meanings) as Word[];
  return z.enum(words, `expected ${listWords(words)}`)
    .transform((word) => meanings[word as Word]);
}

/** Gives each word itself for its meaning. */
export function sameNames<Word extends string>(words: readonly Word[]) {
  return Object.fromEntries(words.map((word) => [word, word])) as {
    readonly [Name in Word]: Name;
  };
}

function listWords(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  // A code point takes at most two code units, so long text need not be counted.
  return text.length > 2 * max || Array.from(text).length > max;
}

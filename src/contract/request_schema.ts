import * as z from "zod";
import { type Aspect, parseAspect } from "./aspect.ts";
import {
  BACKGROUNDS,
  FITS,
  MAX_IMAGES,
  MODEL,
  OUTPUT_FORMATS,
  type OutputFormat,
  QUALITIES,
  type Quality,
} from "./choices.ts";
import { edgeSchema } from "./edge_schema.ts";
import { optional } from "./optional.ts";
import { referencesSchema } from "./reference_schema.ts";
import { sizeSchema } from "./size_schema.ts";
import { strictFields } from "./strict_fields.ts";
import { textSchema } from "./text_schema.ts";

const MAX_PROMPT = 32_000;

const PROMPT = `expected text of 1 to ${
  MAX_PROMPT.toLocaleString("en-US")
} characters`;
const COUNT = `expected a whole number from 1 to ${MAX_IMAGES}`;
const ASPECT =
  `expected W:H such as "16:9", "landscape", "portrait", "square", "reference" or "canvas"`;
const COMPRESSION = "expected a whole number from 0 to 100";

const QUALITY_OF = {
  ...sameNames(QUALITIES),
  自动: "auto",
  高: "high",
  中: "medium",
  低: "low",
} as const satisfies Record<string, Quality>;

const FORMAT_OF = {
  ...sameNames(OUTPUT_FORMATS),
  jpg: "jpeg",
} as const satisfies Record<string, OutputFormat>;

const countSchema = z.int(COUNT).min(1, COUNT).max(MAX_IMAGES, COUNT);

const aspectSchema = z.string(ASPECT).transform((text, context): Aspect => {
  const aspect = parseAspect(text);
  if (aspect !== undefined) return aspect;
  context.addIssue(ASPECT);
  return z.NEVER;
});

/**
 * The schema of the JSON body of `POST /v1/images/generate`, its fields in the order in which their issues are reported.
 *
 * It checks every field by itself; `parseGenerateRequest` checks what they say together.
 */
export const generateRequestSchema = strictFields({
  prompt: textSchema(MAX_PROMPT, PROMPT)
    .refine((prompt) => prompt.trim() !== "", PROMPT),
  count: optional(countSchema),
  n: optional(countSchema),
  size: optional(sizeSchema),
  aspect: optional(aspectSchema),
  canvas_size: optional(
    strictFields(
      { width: edgeSchema, height: edgeSchema },
      "expected an object with width and height",
    ),
  ),
  quality: optional(wordSchema(QUALITY_OF)),
  output_format: optional(wordSchema(FORMAT_OF)),
  output_compression: optional(
    z.int(COMPRESSION).min(0, COMPRESSION).max(100, COMPRESSION),
  ),
  background: optional(wordSchema(sameNames(BACKGROUNDS))),
  fit: optional(wordSchema(sameNames(FITS))),
  references: optional(referencesSchema),
  return: optional(z.literal("file", `expected "file"`)),
  model: optional(z.literal(MODEL, `expected "${MODEL}"`)),
  fail_fast: optional(z.boolean("expected true or false")),
}, "expected a JSON object");

/** Makes the schema of a word out of several, each with its meaning. */
function wordSchema<Word extends string, Meaning>(
  meanings: Readonly<Record<Word, Meaning>>,
) {
  const words = Object.keys(meanings) as Word[];
  return z.enum(words, `expected ${listWords(words)}`)
    .transform((word) => meanings[word as Word]);
}

function sameNames<Word extends string>(words: readonly Word[]) {
  return Object.fromEntries(words.map((word) => [word, word])) as {
    readonly [Name in Word]: Name;
  };
}

function listWords(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

import * as z from "zod";
import {
  edgeSchema,
  type FieldTable,
  optional,
  sameNames,
  strictFields,
  textSchema,
  wordSchema,
} from "./field.ts";
import { referencesSchema } from "./references.ts";
import {
  type Aspect,
  checkSize,
  formatSize,
  nearestLegalSize,
  parseAspect,
  PRESETS,
  type Size,
} from "./size.ts";
import {
  checkOutputSize,
  OUTPUT_SIZE_RULE,
  type OutputSize,
  type SizeChoice,
} from "./target.ts";

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

/** A size as the caller wrote it, and what it means. */
export interface RequestedSize {
  /** The caller's own spelling, such as `4k`. */
  readonly text: string;
  /** What it means. */
  readonly choice: SizeChoice;
}

const MAX_PROMPT = 32_000;

const PROMPT = `expected text of 1 to ${
  MAX_PROMPT.toLocaleString("en-US")
} characters`;
const COUNT = `expected a whole number from 1 to ${MAX_IMAGES}`;
const ASPECT =
  `expected W:H such as "16:9", "landscape", "portrait", "square", "reference" or "canvas"`;
const COMPRESSION = "expected a whole number from 0 to 100";

const SIZE =
  `expected "auto", "1K", "2K", "4K" or WIDTHxHEIGHT such as "1536x864"`;
const OUTPUT_SIZE =
  `expected WIDTHxHEIGHT with ${OUTPUT_SIZE_RULE}, "canvas" or "reference"`;
const PIXELS = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/;
const REFERENCES =
  "Images to work from, up to 16 of up to 50 MiB, PNG, JPEG or WebP by their bytes; the first five reach the image model as files";
const EACH =
  'each `{"image": "data:…", "label"}`, or `{"id": "codex-…", "label"}` for a stored picture as Codex made it';

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

const sizeSchema = z.string(SIZE).transform(
  (text, context): RequestedSize => {
    const choice = parseChoice(text);
    if (choice !== undefined) {
      const problem = findProblem(choice);
      if (problem === undefined) return { text, choice };
      context.addIssue(problem);
    } else {
      context.addIssue(SIZE);
    }
    return z.NEVER;
  },
);

const outputSizeSchema = z.string(OUTPUT_SIZE).transform(
  (text, context): OutputSize => {
    if (text === "canvas" || text === "reference") return text;
    const size = parsePixels(text);
    const problem = size === undefined ? OUTPUT_SIZE : checkOutputSize(size);
    if (size !== undefined && problem === undefined) return size;
    context.addIssue(
      size === undefined ? OUTPUT_SIZE : `${problem}, ${OUTPUT_SIZE}`,
    );
    return z.NEVER;
  },
);

/** Every field of `POST /v1/images/generate`. */
export const FIELDS = {
  prompt: {
    schema: textSchema(MAX_PROMPT, PROMPT)
      .refine((prompt) => prompt.trim() !== "", PROMPT),
    form: "text",
    code: "invalid_prompt",
    words: "What to draw, 1 to 32,000 characters",
  },
  count: {
    schema: optional(countSchema),
    form: "number",
    code: "invalid_count",
    words: "How many distinct candidates to make, 1 to 4",
  },
  n: {
    schema: optional(countSchema),
    form: "number",
    code: "invalid_count",
    words: "The same as `count`",
  },
  size: {
    schema: optional(sizeSchema),
    form: "text",
    code: "invalid_size",
    words:
      "`auto` (default), `1K`, `2K`, `4K`, or `WIDTHxHEIGHT`: multiples of 16, the longest edge at most 3840, 655,360 to 8,294,400 pixels, at most 3:1",
  },
  output_size: {
    schema: optional(outputSizeSchema),
    form: "text",
    code: "invalid_size",
    words:
      `The exact pixels of the file where \`size\` may not have them: \`WIDTHxHEIGHT\` (${OUTPUT_SIZE_RULE}), \`canvas\` (= \`canvas_size\`) or \`reference\` (= the first); not together with an explicit \`size\``,
  },
  aspect: {
    schema: optional(aspectSchema),
    form: "text",
    code: "invalid_aspect",
    words:
      "`W:H`, `landscape`, `portrait`, `square`, `reference` (that of the first) or `canvas` (that of `canvas_size`); for `auto` and the presets",
  },
  canvas_size: {
    schema: optional(
      strictFields(
        { width: edgeSchema, height: edgeSchema },
        "expected an object with width and height",
      ),
    ),
    form: "object",
    code: "invalid_aspect",
    words:
      'The size of the caller\'s canvas, in any unit: `{"width", "height"}`',
  },
  quality: {
    schema: optional(wordSchema(QUALITY_OF)),
    form: "text",
    code: "invalid_quality",
    words:
      "`auto`, `high`, `medium` or `low`, which Codex takes as words in the prompt",
  },
  output_format: {
    schema: optional(wordSchema(FORMAT_OF)),
    form: "text",
    code: "invalid_output_format",
    words: "The format of the file: `png`, `jpeg` or `webp`",
  },
  output_compression: {
    schema: optional(
      z.int(COMPRESSION).min(0, COMPRESSION).max(100, COMPRESSION),
    ),
    form: "number",
    code: "invalid_output_format",
    words: "How much JPEG and WebP keep, 0 to 100",
  },
  background: {
    schema: optional(wordSchema(sameNames(BACKGROUNDS))),
    form: "text",
    code: "invalid_output_format",
    words: "`auto`, `opaque` or `transparent`, which needs PNG or WebP",
  },
  fit: {
    schema: optional(wordSchema(sameNames(FITS))),
    form: "text",
    code: "invalid_size",
    words:
      "How the image comes to its size: `cover` scales and crops, `contain` scales and pads, `none` leaves it",
  },
  reference: {
    form: "files",
    code: "invalid_reference",
    words: REFERENCES,
  },
  references: {
    schema: optional(referencesSchema),
    form: "object",
    code: "invalid_reference",
    words: `${REFERENCES}; ${EACH}. In a form JSON, with ids alone`,
  },
  return: {
    schema: optional(z.literal("file", `expected "file"`)),
    form: "text",
    code: "unknown_parameter",
    words: "For older clients: `file`",
  },
  model: {
    schema: optional(z.literal(MODEL, `expected "${MODEL}"`)),
    form: "text",
    code: "unknown_parameter",
    words: `The one model: \`${MODEL}\``,
  },
  embed_metadata: {
    schema: optional(z.boolean("expected true or false")),
    form: "boolean",
    code: "unknown_parameter",
    words:
      "Whether the file tells as XMP how it was made: the prompt, the settings, and that a model made it",
  },
  fail_fast: {
    schema: optional(z.boolean("expected true or false")),
    form: "boolean",
    code: "unknown_parameter",
    words:
      "Whether the first failed candidate cancels the rest and fails the request",
  },
} as const satisfies FieldTable;

function parseChoice(text: string): SizeChoice | undefined {
  if (text === "auto") return "auto";
  const preset = PRESETS.find((name) => name === text.toUpperCase());
  if (preset !== undefined) return preset;
  return parsePixels(text);
}

/** Reads `WIDTHxHEIGHT`; `undefined` for text that is none. */
export function parsePixels(text: string): Size | undefined {
  const match = PIXELS.exec(text);
  if (match === null) return undefined;
  return { width: Number(match[1]), height: Number(match[2]) };
}

function findProblem(choice: SizeChoice): string | undefined {
  if (typeof choice === "string") return undefined;
  const broken = checkSize(choice);
  if (broken === undefined) return undefined;
  return `${broken}, the nearest legal size is ${
    formatSize(nearestLegalSize(choice))
  }`;
}

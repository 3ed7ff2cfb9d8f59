import * as z from "zod";
import { dataStart } from "./data_url.ts";
import {
  type Background,
  BACKGROUNDS,
  edgeSchema,
  type Fit,
  FITS,
  MAX_IMAGES,
  MODEL,
  optional,
  OUTPUT_FORMATS,
  type OutputFormat,
  QUALITIES,
  type Quality,
  strictFields,
  textSchema,
} from "./fields.ts";
import {
  type Aspect,
  checkSize,
  formatSize,
  nearestLegalSize,
  parseAspect,
  PRESETS,
  type Ratio,
  type SizeChoice,
} from "./size.ts";
import { toValidationError, ValidationError } from "./validation_error.ts";

/** What the reference images of one request must keep to. */
export const REFERENCE_LIMITS = {
  /** Images in one request. */
  maxImages: 16,
  /** Images that reach the model as the caller's own bytes. */
  maxOriginals: 5,
  /** Bytes of one image. */
  maxBytes: 52_428_800,
  /** Pixels of one image. */
  maxPixels: 100_000_000,
  /** Media types, told by the bytes of an image. */
  formats: ["image/png", "image/jpeg", "image/webp"],
} as const;

const MAX_LABEL = 200;
const MAX_SOURCE = 1000;

const IMAGE = `expected a base64 data URL such as "data:image/png;base64,…"`;
const REMOTE = `${IMAGE}, the server never fetches URLs`;
const LABEL = `expected text of at most ${MAX_LABEL} characters`;
const SOURCE = `expected text of at most ${MAX_SOURCE} characters`;
const LIST = `expected a list of at most ${REFERENCE_LIMITS.maxImages} images`;

/** What is known of a reference image, whichever way it came. */
interface SourceBase {
  /** The field that it came in, such as `references[2].image`. */
  readonly param: string;
  /** What the caller calls the image. */
  readonly label: string | undefined;
  /** Where the caller has the image from. */
  readonly source: string | undefined;
}

/** A reference image as it came in a JSON body. */
export interface InlineReference extends SourceBase {
  readonly kind: "inline";
  /** A base64 data URL, its data not yet looked at. */
  readonly dataUrl: string;
}

/** A reference image that was uploaded and lies on disk. */
export interface FileReference extends SourceBase {
  readonly kind: "file";
  /** The file, not yet looked at; whoever uses the reference moves it away. */
  readonly path: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The digest of the file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** A reference image of a request. */
export type ReferenceSource = InlineReference | FileReference;

/** The schema of a picture in JSON: a base64 data URL, its data not yet looked at. */
export const imageSchema = z.string(IMAGE).refine(
  (image) => dataStart(image) !== undefined,
  { error: (issue) => isRemote(issue.input) ? REMOTE : IMAGE },
);

/**
 * The schema of `references`: data URLs with a label and a source, which become {@linkcode InlineReference}s.
 *
 * `width` and `height` are accepted and dropped, because the bytes of an image tell its size.
 */
export const referencesSchema = z.array(
  strictFields({
    image: imageSchema,
    label: optional(textSchema(MAX_LABEL, LABEL)),
    source: optional(textSchema(MAX_SOURCE, SOURCE)),
    width: optional(edgeSchema),
    height: optional(edgeSchema),
  }, "expected an object with image"),
  LIST,
).max(REFERENCE_LIMITS.maxImages, LIST).transform((references) =>
  references.map(({ image, label, source }, index): InlineReference => ({
    kind: "inline",
    dataUrl: image,
    label,
    source,
    param: `references[${index}].image`,
  }))
);

function isRemote(image: unknown): boolean {
  return typeof image === "string" && /^[a-z][a-z0-9+.-]*:\/\//i.test(image);
}

const EXPECTED =
  `expected "auto", "1K", "2K", "4K" or WIDTHxHEIGHT such as "1536x864"`;

const PIXELS = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/;

/** A size as the caller wrote it, and what it means. */
export interface RequestedSize {
  /** The caller's own spelling, such as `4k`. */
  readonly text: string;
  /** What it means. */
  readonly choice: SizeChoice;
}

/** The schema of `size`: `auto`, a preset in either case, or a legal `WIDTHxHEIGHT`. */
export const sizeSchema = z.string(EXPECTED).transform(
  (text, context): RequestedSize => {
    const choice = parseChoice(text);
    if (choice !== undefined) {
      const problem = findProblem(choice);
      if (problem === undefined) return { text, choice };
      context.addIssue(problem);
    } else {
      context.addIssue(EXPECTED);
    }
    return z.NEVER;
  },
);

function parseChoice(text: string): SizeChoice | undefined {
  if (text === "auto") return "auto";
  const preset = PRESETS.find((name) => name === text.toUpperCase());
  if (preset !== undefined) return preset;
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

type Fields = z.output<typeof generateRequestSchema>;

/** A request for images in which everything is checked, every synonym resolved and every default filled in. */
export interface GenerateRequest {
  /** What to draw: 1 to 32,000 characters. */
  readonly prompt: string;
  /** How many images to make, 1 to 4. */
  readonly count: number;
  /** The size as the caller wrote it, `auto` where nothing was written. */
  readonly requestedSize: string;
  /** What the size means; see `resolveTarget`. */
  readonly size: SizeChoice;
  /** The wanted shape, where the caller asks for one. */
  readonly aspect: Aspect | undefined;
  /** The size of the caller's canvas, in any unit. */
  readonly canvasSize: Ratio | undefined;
  /** The wanted quality. */
  readonly quality: Quality;
  /** The format to deliver. */
  readonly outputFormat: OutputFormat;
  /** 0 to 100 for JPEG and WebP, where the caller says so. */
  readonly outputCompression: number | undefined;
  /** The wanted background. */
  readonly background: Background;
  /** What to do with an image that is not of the wanted size. */
  readonly fit: Fit;
  /** The images to work from, not yet looked at: those of the body, then those that were uploaded. */
  readonly references: readonly ReferenceSource[];
  /** Whether the second of them is a mask for the first. */
  readonly hasMask: boolean;
  /** Whether the first failed image cancels the rest. */
  readonly failFast: boolean;
}

/**
 * Reads the JSON body of `POST /v1/images/generate`, or what a form says instead of it.
 *
 * The first field at fault is reported, in the order of the contract's table, then the first unknown field, then the first
 * pair of fields that do not go together. Whether an aspect has the reference or the canvas that it names is checked by
 * `resolveTarget`, because references may come outside of the JSON.
 *
 * @param value The parsed JSON
 * @param further The references that came otherwise than in the field `references`, such as files
 * @param mask What marks the place to change in the first reference; it is passed as one more
 * @throws {ValidationError} With the code of the contract and the field at fault
 *
 * @example
 * ```ts
 * import { parseGenerateRequest } from "./generate_request.ts";
 *
 * const request = parseGenerateRequest({ prompt: "an otter", size: "4k" });
 * request.size; // "4K"
 * ```
 */
export function parseGenerateRequest(
  value: unknown,
  further: readonly ReferenceSource[] = [],
  mask?: ReferenceSource,
): GenerateRequest {
  const result = generateRequestSchema.safeParse(value);
  if (!result.success) throw toValidationError(result.error.issues[0], value);
  const fields = result.data;
  checkTogether(fields);
  const references = [...fields.references ?? [], ...further];
  checkNumber(references);
  const size = fields.size?.choice ?? "auto";
  return {
    prompt: fields.prompt,
    count: fields.count ?? fields.n ?? 1,
    requestedSize: fields.size?.text ?? "auto",
    size,
    aspect: fields.aspect,
    canvasSize: fields.canvas_size,
    quality: fields.quality ?? "auto",
    outputFormat: fields.output_format ?? "png",
    outputCompression: fields.output_compression,
    background: fields.background ?? "auto",
    fit: fields.fit ?? (size === "auto" ? "none" : "cover"),
    references: mask === undefined
      ? references
      // Next to its image, and never behind the last that the image tool takes.
      : [references[0], { ...mask, label: "mask" }, ...references.slice(1)],
    hasMask: mask !== undefined,
    failFast: fields.fail_fast ?? false,
  };
}

function checkNumber(references: readonly ReferenceSource[]): void {
  const { maxImages } = REFERENCE_LIMITS;
  if (references.length <= maxImages) return;
  throw new ValidationError(
    `Cannot use ${references.length} references: expected at most ${maxImages}`,
    { code: "invalid_reference", param: references[maxImages].param },
  );
}

function checkTogether(fields: Fields): void {
  const { count, n, output_format, output_compression, background } = fields;
  if (count !== undefined && n !== undefined && count !== n) {
    throw new ValidationError(
      `Cannot use count ${count} and n ${n}: expected one of them, or the same number in both`,
      { code: "invalid_count", param: "count" },
    );
  }
  const format = output_format ?? "png";
  if (output_compression !== undefined && format === "png") {
    throw new ValidationError(
      `Cannot use output_compression ${output_compression}: expected output_format "jpeg" or "webp", and it is "png", which loses nothing`,
      { code: "invalid_output_format", param: "output_compression" },
    );
  }
  if (background === "transparent" && format === "jpeg") {
    throw new ValidationError(
      `Cannot use background "transparent": expected output_format "png" or "webp", and it is "jpeg", which has no transparency`,
      { code: "invalid_output_format", param: "background" },
    );
  }
}

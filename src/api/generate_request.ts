import type * as z from "zod";
import { bodySchema } from "./field.ts";
import {
  type Background,
  FIELDS,
  type Fit,
  type OutputFormat,
  parsePixels,
  type Quality,
} from "./fields.ts";
import { REFERENCE_LIMITS, type ReferenceSource } from "./references.ts";
import type { Aspect, Ratio } from "./size.ts";
import { checkOutputSize, type OutputSize, type SizeChoice } from "./target.ts";
import { toValidationError, ValidationError } from "./validation_error.ts";

/**
 * The schema of the JSON body of `POST /v1/images/generate`.
 *
 * It checks every field by itself; `parseGenerateRequest` checks what they say together.
 */
export const generateRequestSchema = bodySchema(FIELDS);

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
  /** The exact pixels to deliver, where the caller asks for some; see `resolveTarget`. */
  readonly outputSize: OutputSize | undefined;
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
  /** Whether the delivered files tell how they were made. */
  readonly embedMetadata: boolean;
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
  if (!result.success) {
    throw withOutputSize(
      toValidationError(result.error.issues[0], {
        body: value,
        fields: FIELDS,
      }),
      value,
    );
  }
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
    outputSize: fields.output_size,
    aspect: fields.aspect,
    canvasSize: fields.canvas_size,
    quality: fields.quality ?? "auto",
    outputFormat: fields.output_format ?? "png",
    outputCompression: fields.output_compression,
    background: fields.background ?? "auto",
    fit: fields.fit ??
      (size === "auto" && fields.output_size === undefined ? "none" : "cover"),
    references: mask === undefined
      ? references
      // Next to its image, and never behind the last that the image tool takes.
      : [references[0], { ...mask, label: "mask" }, ...references.slice(1)],
    hasMask: mask !== undefined,
    embedMetadata: fields.embed_metadata ?? false,
    failFast: fields.fail_fast ?? false,
  };
}

/** Says with a size that is not legal how its pixels are to be had all the same. */
function withOutputSize(
  error: ValidationError,
  body: unknown,
): ValidationError {
  if (error.param !== "size") return error;
  const { size } = body as { readonly size: unknown };
  const pixels = typeof size === "string" ? parsePixels(size) : undefined;
  if (pixels === undefined || checkOutputSize(pixels) !== undefined) {
    return error;
  }
  return new ValidationError(
    `${error.message}; for exactly these pixels send output_size "${size}" instead of size`,
    { code: "invalid_size", param: "size", logged: error.logged },
  );
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
  checkSizes(fields);
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

function checkSizes({ fit, output_size, size }: Fields): void {
  if (output_size === undefined) return;
  if (typeof size?.choice === "object") {
    throw new ValidationError(
      `Cannot use output_size together with size "${size.text}": expected one of them`,
      { code: "invalid_size", param: "output_size" },
    );
  }
  if (fit === "none") {
    throw new ValidationError(
      `Cannot use fit "none" together with output_size: expected "cover" or "contain"`,
      { code: "invalid_size", param: "fit" },
    );
  }
}

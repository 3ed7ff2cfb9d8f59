import * as z from "zod";
import { edgeSchema, optional, strictFields, textSchema } from "./field.ts";
import { ValidationError } from "./validation_error.ts";

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

const SCHEME = "data:";
const MARK = ";base64,";

/** How far into a data URL its data may start, so that no search runs through megabytes of it. */
const MAX_HEADER = 256;

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

/**
 * Tells where the data of a base64 data URL starts, without reading the data.
 *
 * @returns The index of the first character of the data, or `undefined` for text that is no base64 data URL
 */
export function dataStart(text: string): number | undefined {
  const start = text.slice(0, MAX_HEADER).indexOf(",") + 1;
  const header = text.slice(0, start);
  const isBase64 = header.startsWith(SCHEME) && header.endsWith(MARK);
  return isBase64 ? start : undefined;
}

/**
 * Decodes the image of a base64 data URL.
 *
 * Padding may be missing and lines may be broken, as in `fetch`; other alphabets and percent-encoding are refused. The
 * limit of 52,428,800 bytes is checked by the length of the text, so nothing too large is ever decoded. 60 MB of base64
 * take about 0.2 s.
 *
 * @param param The field that holds the data URL, such as `references[2].image`
 * @throws {ValidationError} `invalid_reference` that names `param`
 */
export function decodeDataUrl(
  dataUrl: string,
  param: string,
): Uint8Array<ArrayBuffer> {
  const start = dataStart(dataUrl);
  if (start === undefined) throw refuse(param, "it is no base64 data URL");
  const data = dataUrl.slice(start);
  if (decodedLength(data) > REFERENCE_LIMITS.maxBytes) {
    const limit = REFERENCE_LIMITS.maxBytes.toLocaleString("en-US");
    throw refuse(param, `it is over ${limit} bytes`);
  }
  const bytes = decode(data, param);
  if (bytes.length === 0) throw refuse(param, "it holds no data");
  return bytes;
}

function isRemote(image: unknown): boolean {
  return typeof image === "string" && /^[a-z][a-z0-9+.-]*:\/\//i.test(image);
}

function decode(data: string, param: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refuse(param, "its data is not valid base64");
  }
}

function decodedLength(data: string): number {
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  return Math.floor((data.length - padding) * 3 / 4);
}

function refuse(param: string, state: string): ValidationError {
  return new ValidationError(`Cannot decode ${param}: ${state}`, {
    code: "invalid_reference",
    param,
  });
}

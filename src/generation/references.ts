import { basename, join } from "@std/path";
import sharp from "sharp";
import {
  REFERENCE_LIMITS,
  type ReferenceSource,
  type StoredReference,
  type UploadedReference,
} from "../api/references.ts";
import { ApiError } from "../errors.ts";
import { ImageError } from "../images/format.ts";
import { probeImage } from "../images/probe.ts";
import { readBytes } from "../images/regular_file.ts";
import type { ImageStore } from "../images/store.ts";
import { truncateAndQuote } from "../util.ts";

const { maxBytes, maxPixels } = REFERENCE_LIMITS;
const EXPECTED = `expected a whole PNG, JPEG or WebP image of at most ${
  count(maxBytes)
} bytes and ${count(maxPixels)} pixels`;

/** A reference that is checked and lies on disk. */
export interface Reference {
  /** The file with the caller's very bytes. */
  readonly path: string;
  /** The caller's name for it, or an empty string. */
  readonly label: string;
  /** The id of the stored picture that it is, if it is one. */
  readonly id?: string;
  /** The digest of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The width as it is shown, in pixels: a photo's orientation is taken into account. */
  readonly width: number;
  /** The height as it is shown, in pixels. */
  readonly height: number;
}

/** Where references come from and go, and how much they may be. */
export interface PlaceOptions {
  /** Where to put them, on the file system of the uploads; made if it is missing and there is something to put there. */
  readonly directory: string;
  /** Where stored pictures are. */
  readonly store: Pick<ImageStore, "find" | "openFile">;
  /** How many pixels all of them may have together. */
  readonly maxRequestPixels: number;
}

/**
 * Checks references by their bytes and moves them to a directory, byte for byte; stored pictures are copied.
 *
 * All are checked: the CLI would drop a bad one in silence and go on without it.
 *
 * @throws {ApiError} `invalid_reference` that names the field.
 */
export async function placeReferences(
  references: readonly ReferenceSource[],
  { directory, maxRequestPixels, store }: PlaceOptions,
): Promise<Reference[]> {
  const placed: Reference[] = [];
  let pixels = 0;
  for (const [index, source] of references.entries()) {
    const id = "id" in source ? source.id : undefined;
    try {
      const { bytes, label = "", path: from, sha256 } = "id" in source
        ? await copyStored(source, { directory, store })
        : source;
      const { format, height, width } = await probeImage(from, { maxPixels });
      pixels += width * height;
      if (pixels > maxRequestPixels) {
        throw tooManyPixels(source.param, pixels, maxRequestPixels);
      }
      await makeDirectory(directory);
      // A name that stands in no text by chance, so that a tool call that holds it passes the file.
      const name = `reference-${index + 1}-${crypto.randomUUID().slice(0, 8)}`;
      const path = join(directory, `${name}.${format}`);
      await Deno.chmod(from, 0o400);
      await Deno.rename(from, path);
      placed.push({
        path,
        label,
        ...(id !== undefined && { id }),
        sha256,
        bytes,
        width,
        height,
      });
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw refuse(source.param, error.message);
    }
  }
  return placed;
}

/** Copies a stored picture as Codex wrote it, so that it may be removed meanwhile. */
async function copyStored(
  { id, label, param }: StoredReference,
  { directory, store }: Pick<PlaceOptions, "directory" | "store">,
): Promise<UploadedReference> {
  const image = await store.find(id);
  // A picture that was not converted is its own original.
  const variant = image?.sidecar.original ? "original" : "delivered";
  const opened = image && await store.openFile(image, variant);
  if (opened === undefined) {
    throw new ApiError(
      "invalid_reference",
      `Cannot use ${param} ${
        truncateAndQuote(id)
      }: no such picture is stored; expected an id that GET /v1/images tells, or send the file itself as image`,
      { param },
    );
  }
  using file = opened.file;
  const data = await readBytes(file, opened.info.size, maxBytes);
  if (data === undefined) throw refuse(param, "is too large");
  await makeDirectory(directory);
  const path = join(directory, crypto.randomUUID());
  await Deno.writeFile(path, data, { createNew: true, mode: 0o600 });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return {
    param,
    label,
    source: undefined,
    path,
    bytes: data.length,
    sha256: digest.toHex(),
  };
}

function makeDirectory(path: string): Promise<void> {
  return Deno.mkdir(path, { recursive: true, mode: 0o700 });
}

function refuse(param: string, state: string): ApiError {
  return new ApiError(
    "invalid_reference",
    `Cannot use ${param}: it ${state}; ${EXPECTED}`,
    { param },
  );
}

function tooManyPixels(param: string, pixels: number, limit: number): ApiError {
  return new ApiError(
    "invalid_reference",
    `Cannot use ${param}: with it the references have ${
      count(pixels)
    } pixels; expected at most ${
      count(limit)
    } in one request, so send fewer or smaller images or set CODEX_IMAGE_SERVER_MAX_REQUEST_PIXELS`,
    { param },
  );
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** What the image model is told of a mask, which it gets as its second file. */
export const MASK_LINE =
  "The second image is a mask of the first and no part of the picture: change the first image only where the mask is transparent, and leave everything else of it as it is, in place, shape and colour.";

/**
 * Makes sure that the second reference can be a mask of the first: a PNG with an alpha channel, and of the same size.
 *
 * @throws {ApiError} `invalid_reference` that names the mask.
 */
export async function checkMask(
  [image, mask]: readonly Reference[],
): Promise<void> {
  const { format, hasAlpha } = await sharp(mask.path).metadata();
  if (format !== "png") throw refuseMask(`it is a ${format} image`);
  if (!hasAlpha) throw refuseMask("it has no alpha channel");
  if (mask.width === image.width && mask.height === image.height) return;
  throw refuseMask(
    `it has ${mask.width}x${mask.height} pixels and the first image ${image.width}x${image.height}`,
  );
}

function refuseMask(state: string): ApiError {
  return new ApiError(
    "invalid_reference",
    `Cannot use mask: ${state}; expected a PNG image with an alpha channel and the size of the first image`,
    { param: "mask" },
  );
}

/** How a reference reached the models: its very bytes, or a copy that only the chat model saw. */
export type ReferenceDelivery = "original" | "seen";

/** An attempt that was ended because Codex left originals out of its tool call. */
export class MissingReferencesError extends ApiError {
  override name = "MissingReferencesError";
}

/**
 * Reads off the tool calls which references the image model got as files.
 *
 * What counts is what Codex recorded, not what it was asked to do.
 *
 * @param calls The tool calls: JSON arguments, or the program that makes the call.
 */
export function readReferenceDelivery(
  references: readonly Reference[],
  calls: readonly string[],
): ReferenceDelivery[] {
  return references.map(({ path }) =>
    calls.some((call) => call.includes(basename(path))) ? "original" : "seen"
  );
}

/**
 * Makes sure that the tool calls pass all originals that the tool can take.
 *
 * Where Codex has recorded no call there is nothing to go by, and nothing is asked for.
 *
 * @throws {MissingReferencesError} They do not.
 */
export function requireOriginals(
  references: readonly Reference[],
  calls: readonly string[],
): void {
  const left = leftOut(readReferenceDelivery(references, calls));
  if (left.length === 0 || calls.length === 0) return;
  throw new MissingReferencesError(
    "codex_exec_failed",
    `Codex did not pass ${
      nameAll(left, references)
    } to the image model as files`,
  );
}

/** Says which originals did not reach the image model as far as Codex's record tells. */
export function referenceDeliveryWarnings(
  references: readonly Reference[],
  calls: readonly string[],
): string[] {
  const left = leftOut(readReferenceDelivery(references, calls));
  if (left.length === 0) return [];
  const names = nameAll(left, references);
  return [
    calls.length === 0
      ? `Cannot tell whether ${names} reached the image model as files: Codex recorded no tool call`
      : `Codex showed ${names} to the chat model only, although it was asked twice to pass the files`,
  ];
}

function leftOut(receipts: readonly ReferenceDelivery[]): number[] {
  return receipts.slice(0, REFERENCE_LIMITS.maxOriginals)
    .flatMap((delivered, index) => delivered === "seen" ? [index] : []);
}

function nameAll(
  indexes: readonly number[],
  references: readonly Reference[],
): string {
  return indexes.map((index) => {
    const { label } = references[index];
    const name = `reference ${index + 1}`;
    return label === "" ? name : `${name} (${JSON.stringify(label)})`;
  }).join(", ");
}

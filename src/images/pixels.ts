import { setImmediate } from "node:timers/promises";
import sharp, { type ColourspaceEnum, type Sharp } from "sharp";
import { ImageError, type ImageFormat } from "./format.ts";

const MAX_AT_ONCE = 2;
const MAX_PIXELS = 100_000_000;
const SLICE_PIXELS = 4_000_000;
const HALF = 128;
const TRANSPARENT_SHARE = 0.005;
const SOLID = 250;

/** What the header of an image says. */
export interface ImageHeader {
  /** The format, told by the bytes. */
  readonly format: ImageFormat;
  /** Columns of pixels as shown, after any rotation that EXIF asks for. */
  readonly width: number;
  /** Rows of pixels as shown, after any rotation that EXIF asks for. */
  readonly height: number;
  /** Whether there is an alpha channel or a transparent colour. */
  readonly alpha: boolean;
  /** What the numbers of the pixels mean, the alpha channel left aside. */
  readonly space: keyof ColourspaceEnum;
  /** Whether there is EXIF data. */
  readonly exif: boolean;
}

/** How much can be seen through an image. */
export interface Alpha {
  /** The alpha of the most transparent pixel, from 0 to 255. */
  readonly lowest: number;
  /** The share of pixels with an alpha below 128, from 0 to 1. */
  readonly transparentShare: number;
}

/** The files of an image, or its bytes. */
export type ImageInput = Uint8Array<ArrayBuffer> | string;

// An image is opened a few times and never again, so a cache of operations would only hold memory; and two images at a
// time with one thread each leave a small machine room for other requests.
sharp.cache(false);
sharp.concurrency(1);

// What libvips can read beside these is attack surface only: SVG, PDF, TIFF, HEIC and the rest are refused by their bytes.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: [
    "VipsForeignLoadPng",
    "VipsForeignLoadJpeg",
    "VipsForeignLoadWebp",
  ],
});

const waiting: (() => void)[] = [];
let free = MAX_AT_ONCE;

/**
 * Runs work on pixels when there is a slot, first come first served: at most two pieces of such work run at once in the whole
 * process.
 *
 * @throws What the work throws
 */
export async function withImageSlot<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }
}

/**
 * Lets sharp do one thing with an image of at most 100 million pixels. No decoder error is passed over.
 *
 * @throws {ImageError} If sharp fails
 */
export async function withSharp<T>(
  image: ImageInput,
  use: (image: Sharp) => Promise<T>,
): Promise<T> {
  return await orImageError(() =>
    use(sharp(image, { failOn: "error", limitInputPixels: MAX_PIXELS }))
  );
}

/**
 * Reads the header of an image; no pixel is decoded, so that its declared size may be any.
 *
 * @throws {ImageError} If it cannot be read
 */
export async function readHeader(image: ImageInput): Promise<ImageHeader> {
  const { format, autoOrient, space, exif, hasAlpha } = await orImageError(() =>
    sharp(image, { failOn: "error", limitInputPixels: false }).metadata()
  );
  if (format !== "png" && format !== "jpeg" && format !== "webp") {
    throw new ImageError(`is not a PNG, JPEG or WebP file (it is "${format}")`);
  }
  const { width, height } = autoOrient;
  const alpha = hasAlpha;
  return { format, width, height, alpha, space, exif: exif !== undefined };
}

/**
 * Measures the alpha of every pixel, which is 255 where there is no alpha channel. All pixels are decoded, so that damaged
 * data is found out too.
 *
 * @throws {ImageError} If the image cannot be decoded
 */
export async function measureAlpha(image: ImageInput): Promise<Alpha> {
  const alphas = await withSharp(
    image,
    (picture) => picture.ensureAlpha().extractChannel("alpha").raw().toBuffer(),
  );
  let lowest = 255;
  let transparent = 0;
  for (let start = 0; start < alphas.length; start += SLICE_PIXELS) {
    // Other requests are served in between: 33 million pixels take longer than any of them may wait.
    if (start > 0) await setImmediate();
    const end = Math.min(alphas.length, start + SLICE_PIXELS);
    for (let index = start; index < end; index++) {
      const alpha = alphas[index];
      if (alpha < lowest) lowest = alpha;
      if (alpha < HALF) transparent++;
    }
  }
  return { lowest, transparentShare: transparent / alphas.length };
}

/** Tells whether an image counts as transparent: at least 0.5 % of its pixels have an alpha below 128. */
export function isTransparent(alpha: Alpha): boolean {
  return alpha.transparentShare >= TRANSPARENT_SHARE;
}

/**
 * Tells whether an image counts as opaque: no pixel has an alpha below 250. Codex gives the solid parts of transparent
 * images an alpha of 251 to 254. An image may be neither opaque nor transparent.
 */
export function isOpaque(alpha: Alpha): boolean {
  return alpha.lowest >= SOLID;
}

async function orImageError<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Further lines only tell what that made fail in turn.
    const [reason] = error.message.trim().split(/:?\n|:$/);
    throw new ImageError(`cannot be decoded or converted (${reason})`, {
      cause: error,
    });
  }
}

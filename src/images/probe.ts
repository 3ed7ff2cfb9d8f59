import {
  ImageError,
  type ImageFormat,
  type ImageMimeType,
  readFormat,
} from "./format.ts";
import { readHeader } from "./pixels.ts";

const DEFAULT_MAX_PIXELS = 100_000_000;

/** What {@linkcode probeImage} finds out. */
export interface ImageInfo {
  /** The format, told by the bytes alone. */
  readonly format: ImageFormat;
  /** The media type of the format. */
  readonly mimeType: ImageMimeType;
  /** Columns of pixels as shown, after any rotation that EXIF asks for. */
  readonly width: number;
  /** Rows of pixels as shown, after any rotation that EXIF asks for. */
  readonly height: number;
  /** Whether the file can hold transparent pixels. */
  readonly alpha: boolean;
}

/**
 * Tells what image a file is, by its bytes alone, and that it is one still picture and whole.
 *
 * No pixel is decoded: for a file of 0.3 MB that declares 100 million pixels that would take up to 800 MB and 8 s.
 *
 * @param limits `maxPixels`: the most pixels that the image may have, 100 million when left out
 * @throws {ImageError} If the file is not a whole PNG, JPEG or WebP image within the limits
 */
export async function probeImage(
  path: string,
  limits: { readonly maxPixels?: number } = {},
): Promise<ImageInfo> {
  const { maxPixels = DEFAULT_MAX_PIXELS } = limits;
  const format = await readFileFormat(path);
  const header = await readHeader(path);
  const { width, height, alpha } = header;
  if (header.format !== format) {
    throw new ImageError(`is read as "${header.format}", and begins otherwise`);
  }
  if (width * height > maxPixels) {
    throw new ImageError(
      `declares ${width}x${height} pixels, more than the ${maxPixels} allowed`,
    );
  }
  return { format, mimeType: `image/${format}`, width, height, alpha };
}

/**
 * Says what is wrong with an image file that somebody else may still be writing.
 *
 * @returns Undefined for a whole image, else a phrase such as `is truncated`.
 */
export async function probeUnfinished(
  path: string,
): Promise<string | undefined> {
  try {
    await readFileFormat(path);
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}

async function readFileFormat(path: string): Promise<ImageFormat> {
  using file = await Deno.open(path);
  return await readFormat(file);
}

import { ImageError, type ImageInfo } from "./info.ts";
import { inspectJpeg } from "./jpeg.ts";
import { JPEG_SIGNATURE } from "./jpeg_segments.ts";
import { inspectPng } from "./png.ts";
import { PNG_SIGNATURE } from "./png_chunks.ts";
import type { ByteSource } from "./source.ts";
import { inspectWebp, WEBP_SIGNATURE } from "./webp.ts";

const DEFAULT_MAX_PIXELS = 100_000_000;
const BEGINNING_BYTES = 512;

/** How files that are taken for images begin, one character for each byte, with a name for their kind. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^GIF8/, "GIF"],
  [/^%PDF-/, "PDF"],
  [/^PK[^ -~]{2}/, "a zip archive"],
  [/^8BPS/, "a Photoshop document"],
  [/^(?:II\*|MM[^ -~]\*)/, "TIFF"],
  [/^.{4}ftypavi[fs]/s, "AVIF"],
  [/^.{4}ftyp(?:he|mi|ms)/s, "HEIC"],
  [/^(?:ï»¿)?\s*<(?:!doctype\s+html|html|head|body)\b/i, "HTML"],
  [/^(?:ï»¿)?\s*<(?:svg\b|[?!].*<svg\b)/is, "SVG"],
  [/^(?:ï»¿)?\s*<[?!]/, "XML"],
  [/^(?:ï»¿)?\s*[{[]/, "JSON"],
];

export { ImageError, type ImageInfo };

/** The limits of {@linkcode inspectImage}. */
export interface InspectLimits {
  /**
   * The most pixels that an image may have.
   *
   * @default {100_000_000}
   */
  readonly maxPixels?: number;
}

/**
 * Tells what image a file is, by its bytes alone, and that it is whole: all its parts are there, up to the mark that ends it.
 * No pixel is decoded, and the pixel limit applies as soon as the dimensions are read.
 *
 * @throws {ImageError} If the file is not a whole PNG, JPEG or WebP image within the limits
 */
export async function inspectImage(
  source: ByteSource,
  limits: InspectLimits = {},
): Promise<ImageInfo> {
  const { maxPixels = DEFAULT_MAX_PIXELS } = limits;
  const bytes = await source.read(0, BEGINNING_BYTES);
  const beginning = String.fromCharCode(...bytes);
  if (beginning.startsWith(PNG_SIGNATURE)) return inspectPng(source, maxPixels);
  if (beginning.startsWith(JPEG_SIGNATURE)) {
    return inspectJpeg(source, maxPixels);
  }
  if (WEBP_SIGNATURE.test(beginning)) return inspectWebp(source, maxPixels);
  throw new ImageError(describeOtherKind(beginning));
}

function describeOtherKind(beginning: string): string {
  if (beginning === "") return "is empty";
  const kind = OTHER_KINDS.find(([pattern]) => pattern.test(beginning));
  const hint = kind === undefined ? "" : ` (it begins like ${kind[1]})`;
  return `is not a PNG, JPEG or WebP file${hint}`;
}

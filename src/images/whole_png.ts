import { ImageError, inspectImage } from "./inspect.ts";
import type { ByteSource } from "./source.ts";

/** The IEND chunk, one character for each byte; it holds no data, so it is the same in every file. */
const END_CHUNK = "\0\0\0\0IEND\xae\x42\x60\x82";

/**
 * Tells whether a PNG file that another process writes in place is there to its last byte.
 *
 * The answer costs one small read while the file does not end as a PNG does; only then are all checksums computed, because
 * a picture within the picture (a thumbnail in its metadata) ends in the same way. The source must be made of the size that
 * the file has now, anew for each question.
 */
export async function isWholePng(source: ByteSource): Promise<boolean> {
  const offset = Math.max(0, source.size - END_CHUNK.length);
  const end = await source.read(offset, END_CHUNK.length);
  if (String.fromCharCode(...end) !== END_CHUNK) return false;
  try {
    const { format } = await inspectImage(source, { maxPixels: Infinity });
    return format === "png";
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}

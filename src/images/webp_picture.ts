import { ImageError } from "./info.ts";
import type { ByteSource } from "./source.ts";
import { readWebpHead, type WebpChunk } from "./webp_chunks.ts";

const LOSSY_HEAD_LENGTH = 10;
const LOSSLESS_HEAD_LENGTH = 5;
const LOSSY_START_CODE = 0x9d012a;
const LOSSLESS_SIGNATURE = 0x2f;

/** What the image data of a WebP file says of itself. */
export interface WebpPicture {
  /** Columns of pixels. */
  readonly width: number;
  /** Rows of pixels. */
  readonly height: number;
  /** Whether the data itself holds transparency. */
  readonly alpha: boolean;
}

/**
 * Reads the dimensions from lossy or lossless image data, or nothing from a chunk of another kind.
 *
 * @throws {ImageError} If the data does not begin as its kind does
 */
export async function readWebpPicture(
  source: ByteSource,
  chunk: WebpChunk,
): Promise<WebpPicture | undefined> {
  if (chunk.type === "VP8 ") {
    const view = await readWebpHead(source, {
      ...chunk,
      least: LOSSY_HEAD_LENGTH,
    });
    const isKeyFrame = (view.getUint8(0) & 1) === 0;
    const startCode = view.getUint32(2) & 0xff_ffff;
    if (isKeyFrame && startCode === LOSSY_START_CODE) {
      return {
        width: view.getUint16(6, true) & 0x3fff,
        height: view.getUint16(8, true) & 0x3fff,
        alpha: false,
      };
    }
  } else if (chunk.type === "VP8L") {
    const view = await readWebpHead(source, {
      ...chunk,
      least: LOSSLESS_HEAD_LENGTH,
    });
    const bits = view.getUint32(1, true);
    if (view.getUint8(0) === LOSSLESS_SIGNATURE && bits >>> 29 === 0) {
      return {
        width: (bits & 0x3fff) + 1,
        height: (bits >>> 14 & 0x3fff) + 1,
        alpha: (bits >>> 28 & 1) === 1,
      };
    }
  } else {
    return;
  }
  throw new ImageError(`has damaged image data at byte ${chunk.offset}`);
}

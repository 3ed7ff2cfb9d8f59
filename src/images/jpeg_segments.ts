import { ImageError } from "./info.ts";
import { type ByteRange, type ByteSource, readView } from "./source.ts";

/** The bytes that every JPEG file begins with, one character each. */
export const JPEG_SIGNATURE = "\xff\xd8\xff";

/** The code of the marker that compressed data follows. */
export const START_OF_SCAN = 0xda;

const MARKER_PREFIX = 0xff;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const MAX_SEGMENTS = 100_000;
/** Well under the block of a file source, so that many small segments do not read the same block again and again. */
const WINDOW_BYTES = 16_384;

/** One segment of a JPEG file; its range is that of its data, compressed data behind it not included. */
export interface JpegSegment extends ByteRange {
  /** The code of its marker. */
  readonly marker: number;
}

/**
 * Walks through the segments behind a JPEG signature up to the end-of-image marker, past the compressed data of every scan.
 *
 * @throws {ImageError} If a segment is damaged, or the end-of-image marker is missing
 */
export async function* readJpegSegments(
  source: ByteSource,
): AsyncGenerator<JpegSegment> {
  let next = 2;
  for (let count = 0; count < MAX_SEGMENTS; count++) {
    const { marker, end } = await readMarker(source, next);
    if (marker === END_OF_IMAGE) return;
    if (standsAlone(marker)) {
      next = end;
      continue;
    }
    if (marker < 0xc0 || marker === START_OF_IMAGE) {
      throw new ImageError(
        `has marker ${marker.toString(16)} where none of its kind belongs`,
      );
    }
    if (end + 2 > source.size) throw missingEnd();
    const view = await readView(source, { offset: end, length: 2 });
    const length = view.getUint16(0);
    if (length < 2) {
      throw new ImageError(`has a damaged segment at byte ${end}`);
    }
    next = end + length;
    if (next > source.size) throw missingEnd();
    yield { marker, offset: end + 2, length: length - 2 };
    if (marker === START_OF_SCAN) next = await findEndOfScan(source, next);
  }
  throw new ImageError(`has more than ${MAX_SEGMENTS} segments`);
}

/** Reads a marker's code behind its prefix, which may be repeated as padding. */
async function readMarker(
  source: ByteSource,
  offset: number,
): Promise<{ readonly marker: number; readonly end: number }> {
  for (let at = offset; at < source.size; at += WINDOW_BYTES) {
    const bytes = await source.read(at, WINDOW_BYTES);
    const index = bytes.findIndex((byte) => byte !== MARKER_PREFIX);
    if (index === -1) continue;
    if (at + index === offset) {
      throw new ImageError(`has no marker at byte ${offset}`);
    }
    return { marker: bytes[index], end: at + index + 1 };
  }
  throw missingEnd();
}

/** Finds the marker behind compressed data, which escapes its own 0xff bytes with a zero. */
async function findEndOfScan(
  source: ByteSource,
  offset: number,
): Promise<number> {
  let at = offset;
  for (;;) {
    const bytes = await source.read(at, WINDOW_BYTES);
    if (bytes.length < 2) throw missingEnd();
    for (let index = 0; index < bytes.length - 1; index++) {
      if (bytes[index] === MARKER_PREFIX && endsScan(bytes[index + 1])) {
        return at + index;
      }
    }
    // The last byte may be a prefix, so it is read again with its code.
    at += bytes.length - 1;
  }
}

function endsScan(code: number): boolean {
  return code !== 0 && code !== MARKER_PREFIX && !isRestart(code);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** Tells whether a marker has no segment behind it: TEM and the restarts. */
function standsAlone(marker: number): boolean {
  return marker === 0x01 || isRestart(marker);
}

function missingEnd(): ImageError {
  return new ImageError(
    "is truncated: the end-of-image marker is missing",
  );
}

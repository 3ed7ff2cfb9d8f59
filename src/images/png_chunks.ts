import { crc32 } from "node:zlib";
import { ImageError } from "./info.ts";
import {
  BLOCK_BYTES,
  type ByteRange,
  type ByteSource,
  readFourCharacters,
  readView,
} from "./source.ts";

/** The bytes that every PNG file begins with, one character each. */
export const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";

const MAX_CHUNK_LENGTH = 0x7fff_ffff;
const MAX_CHUNKS = 100_000;

/** One chunk of a PNG file; its range is that of its data. */
export interface PngChunk extends ByteRange {
  /** The four letters that name its kind. */
  readonly type: string;
}

/**
 * Walks through the chunks behind a PNG signature up to IEND, each one only after its checksum has been found right.
 *
 * @throws {ImageError} If a chunk is damaged or not whole, or IEND is missing
 */
export async function* readPngChunks(
  source: ByteSource,
): AsyncGenerator<PngChunk> {
  let offset = PNG_SIGNATURE.length;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    if (offset + 8 > source.size) {
      throw new ImageError("is truncated: the IEND chunk is missing");
    }
    const head = await readView(source, { offset, length: 8 });
    const length = head.getUint32(0);
    const type = readFourCharacters(head, 4);
    if (length > MAX_CHUNK_LENGTH || !/^[A-Za-z]{4}$/.test(type)) {
      throw new ImageError(`has a damaged chunk at byte ${offset}`);
    }
    const end = offset + 12 + length;
    if (end > source.size) {
      throw new ImageError(
        `is truncated: the ${type} chunk at byte ${offset} is not whole`,
      );
    }
    const covered = { offset: offset + 4, length: length + 4 };
    const crc = await computeCrc(source, covered);
    const stored = await readView(source, { offset: end - 4, length: 4 });
    if (crc !== stored.getUint32(0)) {
      throw new ImageError(
        `has a damaged ${type} chunk at byte ${offset}: the checksum is wrong`,
      );
    }
    yield { type, offset: offset + 8, length };
    if (type === "IEND") return;
    offset = end;
  }
  throw new ImageError(`has more than ${MAX_CHUNKS} chunks`);
}

async function computeCrc(
  source: ByteSource,
  range: ByteRange,
): Promise<number> {
  const end = range.offset + range.length;
  let crc = 0;
  let offset = range.offset;
  while (offset < end) {
    const length = Math.min(BLOCK_BYTES, end - offset);
    crc = crc32(await readView(source, { offset, length }), crc);
    offset += length;
  }
  return crc;
}

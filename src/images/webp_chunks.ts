import { ImageError } from "./info.ts";
import {
  type ByteRange,
  type ByteSource,
  readFourCharacters,
  readView,
} from "./source.ts";

const MAX_CHUNKS = 100_000;

/** One chunk of a WebP file; its range is that of its data. */
export interface WebpChunk extends ByteRange {
  /** The four characters that name its kind. */
  readonly type: string;
}

/**
 * Walks through the chunks of a stretch of a WebP file.
 *
 * @throws {ImageError} If a chunk does not lie within the stretch
 */
export async function* readWebpChunks(
  source: ByteSource,
  range: ByteRange,
): AsyncGenerator<WebpChunk> {
  const end = range.offset + range.length;
  let next = range.offset;
  for (let count = 0; next < end; count++) {
    if (count === MAX_CHUNKS) {
      throw new ImageError(`has more than ${MAX_CHUNKS} chunks`);
    }
    if (next + 8 > end) {
      throw new ImageError(`has a damaged chunk at byte ${next}`);
    }
    const head = await readView(source, { offset: next, length: 8 });
    const type = readFourCharacters(head, 0);
    const offset = next + 8;
    const length = head.getUint32(4, true);
    if (offset + length > end) {
      throw new ImageError(`has a damaged chunk at byte ${next}`);
    }
    yield { type, offset, length };
    next = offset + length + length % 2;
  }
}

/**
 * Reads the first `least` bytes of a chunk's data.
 *
 * @throws {ImageError} If the chunk has fewer
 */
export function readWebpHead(
  source: ByteSource,
  chunk: WebpChunk & { readonly least: number },
): Promise<DataView<ArrayBuffer>> {
  if (chunk.length < chunk.least) {
    throw new ImageError(`has a damaged ${chunk.type} chunk`);
  }
  return readView(source, { offset: chunk.offset, length: chunk.least });
}

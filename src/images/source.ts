import { ImageError } from "./info.ts";

/** How many bytes a reader asks for at a time: 256 KiB. */
export const BLOCK_BYTES = 262_144;

/** Bytes that can be read piece by piece, in any order, one read at a time. */
export interface ByteSource {
  /** How many bytes there are. */
  readonly size: number;
  /** Reads `length` bytes from `offset` on; fewer only where the source ends. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A stretch of a source. */
export interface ByteRange {
  /** The first byte. */
  readonly offset: number;
  /** How many bytes. */
  readonly length: number;
}

/** Makes a source of bytes that are in memory. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) =>
      Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

/**
 * Makes a source of the first `size` bytes of an open file.
 *
 * It holds one block of the file, so that a walk over many small parts costs few system calls and a file that changes
 * needs a new source. The caller keeps the handle open while the source is in use, and closes it.
 */
export function fileSource(file: Deno.FsFile, size: number): ByteSource {
  let block = new Uint8Array(0);
  let blockOffset = 0;
  return {
    size,
    async read(offset, length) {
      const end = Math.min(offset + length, size);
      if (offset >= end) return new Uint8Array(0);
      if (offset < blockOffset || end > blockOffset + block.length) {
        const wanted = Math.max(end - offset, BLOCK_BYTES);
        block = await readBlock(file, {
          offset,
          length: Math.min(wanted, size - offset),
        });
        blockOffset = offset;
      }
      return block.subarray(offset - blockOffset, end - blockOffset);
    },
  };
}

/**
 * Reads exactly `length` bytes as a view.
 *
 * @throws {ImageError} If the source ends before
 */
export async function readView(
  source: ByteSource,
  range: ByteRange,
): Promise<DataView<ArrayBuffer>> {
  const bytes = await source.read(range.offset, range.length);
  if (bytes.length < range.length) {
    throw new ImageError(
      `is truncated: it ends after ${range.offset + bytes.length} bytes`,
    );
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads the four characters that name a part of a PNG or WebP file. */
export function readFourCharacters(view: DataView, offset: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, 4);
  return String.fromCharCode(...bytes);
}

async function readBlock(
  file: Deno.FsFile,
  range: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  await file.seek(range.offset, Deno.SeekMode.Start);
  const block = new Uint8Array(range.length);
  let filled = 0;
  while (filled < block.length) {
    const count = await file.read(block.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return block.subarray(0, filled);
}

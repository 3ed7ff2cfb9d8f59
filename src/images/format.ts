import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";

const BLOCK_BYTES = 65_536;
const BEGINNING_BYTES = 512;
/** Chunks or segments of one file; encoders write one for every 4 to 64 kB. */
const MAX_PARTS = 20_000;
/** Passes of one progressive JPEG, which decoders make over all of its pixels; encoders write about ten. */
const MAX_SCANS = 100;

const LATIN1 = new TextDecoder("latin1");
const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";
const JPEG_SIGNATURE = "\xff\xd8\xff";
const WEBP_SIGNATURE = /^RIFF.{4}WEBP/s;
const WEBP_HEAD_BYTES = 21;
const WEBP_ANIMATION_FLAG = 0x02;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const ANIMATION = "is an animation, and not one still picture";
const NO_JPEG_END = "is truncated: the end-of-image marker is missing";

/** How files that are taken for images begin, one character for each byte, with a name for their kind. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^GIF8/, "GIF"],
  [/^%PDF-/, "PDF"],
  [/^PK[^ -~]{2}/, "a zip archive"],
  [/^8BPS/, "a Photoshop document"],
  [/^(?:II\*|MM[^ -~]\*)/, "TIFF"],
  [/^.{4}ftypavi[fs]/s, "AVIF"],
  [/^.{4}ftyp(?:he|mi|ms)/s, "HEIC"],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b/i, "HTML"],
  [/^(?:\xef\xbb\xbf)?\s*<(?:svg\b|[?!].*<svg\b)/is, "SVG"],
  [/^(?:\xef\xbb\xbf)?\s*<[?!]/, "XML"],
  [/^(?:\xef\xbb\xbf)?\s*[{[]/, "JSON"],
];

/** The formats that images come in and are delivered in. */
export type ImageFormat = "png" | "jpeg" | "webp";

/** The media types of the formats. */
export type ImageMimeType = `image/${ImageFormat}`;

/** The error for a file that is not a whole still image of a known format; its message completes a sentence about the file. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/**
 * Tells the format of an open file by its bytes, and that it is one still picture with all its parts up to the mark that ends
 * it. No pixel is decoded, nothing but a block of 64 KiB is held, and bytes behind the end are not looked at.
 *
 * libvips reads headers and pixels, but takes a PNG without its last chunk and a JPEG without its last marker.
 *
 * @throws {ImageError} If it is another kind of file, an animation, damaged or not whole
 */
export async function readFormat(file: Deno.FsFile): Promise<ImageFormat> {
  const reader = new BlockReader(file, (await file.stat()).size);
  const bytes = await reader.read(0, BEGINNING_BYTES);
  const beginning = String.fromCharCode(...bytes);
  if (beginning.startsWith(PNG_SIGNATURE)) {
    await checkPng(reader);
    return "png";
  }
  if (beginning.startsWith(JPEG_SIGNATURE)) {
    await checkJpeg(reader);
    return "jpeg";
  }
  if (WEBP_SIGNATURE.test(beginning)) {
    await checkWebp(reader);
    return "webp";
  }
  throw new ImageError(describeOtherKind(beginning));
}

function describeOtherKind(beginning: string): string {
  if (beginning === "") return "is empty";
  const kind = OTHER_KINDS.find(([pattern]) => pattern.test(beginning));
  const hint = kind === undefined ? "" : ` (it begins like ${kind[1]})`;
  return `is not a PNG, JPEG or WebP file${hint}`;
}

/** Walks through the chunks up to IEND and compares their checksums: a file may be allocated before it is filled. */
async function checkPng(reader: BlockReader): Promise<void> {
  let offset = PNG_SIGNATURE.length;
  let hasData = false;
  for (let count = 0; count < MAX_PARTS; count++) {
    if (offset + 8 > reader.size) {
      throw new ImageError("is truncated: the IEND chunk is missing");
    }
    const head = viewOf(reader.peek(offset, 8) ?? await reader.read(offset, 8));
    const length = head.getUint32(0);
    const type = LATIN1.decode(
      new Uint8Array(head.buffer, head.byteOffset + 4, 4),
    );
    if (length > 0x7fff_ffff || !/^[A-Za-z]{4}$/.test(type)) {
      throw new ImageError(`has a damaged chunk at byte ${offset}`);
    }
    if (count === 0 && type !== "IHDR") {
      throw new ImageError("has no IHDR chunk at its beginning");
    }
    if (type === "acTL") throw new ImageError(ANIMATION);
    const end = offset + 12 + length;
    if (end > reader.size) {
      throw new ImageError(
        `is truncated: the ${type} chunk at byte ${offset} is not whole`,
      );
    }
    let crc = 0;
    for (let at = offset + 4; at < end - 4;) {
      const wanted = Math.min(BLOCK_BYTES, end - 4 - at);
      const bytes = reader.peek(at, wanted) ?? await reader.read(at, wanted);
      crc = crc32(bytes, crc);
      at += wanted;
    }
    const stored = reader.peek(end - 4, 4) ?? await reader.read(end - 4, 4);
    if (crc !== viewOf(stored).getUint32(0)) {
      throw new ImageError(
        `has a damaged ${type} chunk at byte ${offset}: the checksum is wrong`,
      );
    }
    hasData ||= type === "IDAT" && length > 0;
    if (type === "IEND") {
      if (length > 0) throw new ImageError("has a damaged IEND chunk");
      if (hasData) return;
      throw new ImageError("has no picture: the IDAT chunk is missing");
    }
    offset = end;
  }
  throw new ImageError(`has more than ${MAX_PARTS} chunks`);
}

/** Walks through the segments and the compressed data of every scan up to the real end: a thumbnail has an end of its own. */
async function checkJpeg(reader: BlockReader): Promise<void> {
  let offset = 2;
  let hasFrame = false;
  let scans = 0;
  for (let count = 0; count < MAX_PARTS; count++) {
    const begin = offset;
    offset = await reader.find(offset, findCode);
    if (offset === begin) {
      throw new ImageError(`has no marker at byte ${offset}`);
    }
    const bytes = reader.peek(offset, 3) ?? await reader.read(offset, 3);
    const marker = bytes[0];
    offset++;
    if (marker === END_OF_IMAGE) {
      if (scans > 0) return;
      throw new ImageError("has no picture between its first and last marker");
    }
    if (marker === 0x01 || isRestart(marker)) continue;
    if (marker < 0xc0 || marker === START_OF_IMAGE) {
      throw new ImageError(
        `has marker ${marker.toString(16)} where none of its kind belongs`,
      );
    }
    if (bytes.length < 3) throw new ImageError(NO_JPEG_END);
    const length = bytes[1] << 8 | bytes[2];
    if (length < 2) {
      throw new ImageError(`has a damaged segment at byte ${offset}`);
    }
    offset += length;
    if (isFrame(marker)) {
      if (hasFrame) throw new ImageError("has two frame headers");
      hasFrame = true;
    }
    if (marker !== START_OF_SCAN) continue;
    scans++;
    if (scans > MAX_SCANS) {
      throw new ImageError(`has more than ${MAX_SCANS} scans`);
    }
    offset = await reader.find(offset, findMarker);
  }
  throw new ImageError(`has more than ${MAX_PARTS} segments`);
}

/** Finds the code of a marker behind its prefix, which may be repeated as padding. */
function findCode(bytes: Uint8Array): number | undefined {
  let index = 0;
  while (bytes[index] === 0xff) index++;
  return index < bytes.length ? index : undefined;
}

/** Finds a marker in compressed data, which escapes its own 0xff bytes with a zero. */
function findMarker(bytes: Uint8Array): number | undefined {
  for (let index = 0; index < bytes.length - 1; index++) {
    if (bytes[index] !== 0xff) continue;
    const code = bytes[index + 1];
    if (code !== 0 && code !== 0xff && !isRestart(code)) return index;
  }
}

/** Tells whether a marker begins a frame: all from 0xc0 to 0xcf but DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf &&
    ![0xc4, 0xc8, 0xcc].includes(marker);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** Compares the size that the file declares, and reads the flags of its first chunk; libvips does the rest. */
async function checkWebp(reader: BlockReader): Promise<void> {
  const bytes = await reader.read(0, WEBP_HEAD_BYTES);
  const end = 8 + viewOf(bytes).getUint32(4, true);
  if (end > reader.size) {
    throw new ImageError(
      `is truncated: it holds ${reader.size} of its ${end} bytes`,
    );
  }
  const isExtended = bytes[15] === 0x58;
  if (isExtended && (bytes[20] & WEBP_ANIMATION_FLAG) !== 0) {
    throw new ImageError(ANIMATION);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads a file forward, a block at a time. */
class BlockReader {
  readonly size: number;
  readonly #file: Deno.FsFile;
  #block = new Uint8Array(0);
  #offset = 0;

  constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Gives bytes of the block at hand without waiting, or nothing where they are not in it. */
  peek(offset: number, length: number): Uint8Array | undefined {
    const begin = offset - this.#offset;
    if (begin < 0 || begin + length > this.#block.length) return;
    return this.#block.subarray(begin, begin + length);
  }

  /** Reads bytes; fewer only where the file ends. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(length, BLOCK_BYTES);
    const block = new Uint8Array(
      Math.max(0, Math.min(wanted, this.size - offset)),
    );
    // Blocks that the system has at hand come so fast that timers and other requests would wait for the whole file.
    await setImmediate();
    await this.#file.seek(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < block.length) {
      const count = await this.#file.read(block.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    this.#block = block.subarray(0, filled);
    this.#offset = offset;
    return this.#block.subarray(0, length);
  }

  /** Finds the offset of what `search` finds in blocks that overlap by one byte. */
  async find(
    offset: number,
    search: (bytes: Uint8Array) => number | undefined,
  ): Promise<number> {
    while (offset < this.size) {
      const rest = this.#offset + this.#block.length - offset;
      const bytes = (rest > 1 ? this.peek(offset, rest) : undefined) ??
        await this.read(offset, BLOCK_BYTES);
      const index = search(bytes);
      if (index !== undefined) return offset + index;
      if (offset + bytes.length >= this.size || bytes.length < 2) break;
      offset += bytes.length - 1;
    }
    throw new ImageError(NO_JPEG_END);
  }
}

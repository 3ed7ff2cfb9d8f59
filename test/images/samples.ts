import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";
import sharp, { type Sharp } from "sharp";
import { type ImageInfo, probeImage } from "../../src/images/probe.ts";

/** What {@linkcode picture} draws. */
export interface SampleOptions {
  readonly width?: number;
  readonly height?: number;
  /** An opacity from 0 to 1; without it the picture has no alpha channel. */
  readonly alpha?: number;
}

/** Draws noise, so that compressed data is of some length. */
export function picture(options: SampleOptions = {}): Sharp {
  const { width = 24, height = 16, alpha } = options;
  const channels = alpha === undefined ? 3 : 4;
  const pixels = new Uint8Array(width * height * channels);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0;
    pixels[i] = channels === 4 && i % 4 === 3
      ? Math.round((alpha ?? 1) * 255)
      : state >>> 24;
  }
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Lets sharp write a picture. */
export async function encode(image: Sharp): Promise<Bytes> {
  return new Uint8Array(await image.toBuffer());
}

/** Bytes as the sources of this project take them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Joins bytes, texts (one byte each character) and numbers (one byte each). */
export function concat(...parts: (Uint8Array | string | number[])[]): Bytes {
  const buffers = parts.map((part) =>
    typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part)
  );
  return new Uint8Array(Buffer.concat(buffers));
}

export const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";

/** Makes a PNG chunk with a right checksum. */
export function pngChunk(
  type: string,
  data: Uint8Array | number[] = [],
): Bytes {
  const covered = concat(type, data);
  return concat(uint32(data.length), covered, uint32(crc32(covered)));
}

/** Makes the header chunk of an 8-bit RGB picture, or of another kind. */
export function pngHeader(
  width: number,
  height: number,
  rest: number[] = [8, 2, 0, 0, 0],
): Bytes {
  return pngChunk("IHDR", concat(uint32(width), uint32(height), rest));
}

/** Makes a WebP file out of chunks. */
export function webp(...chunks: Bytes[]): Bytes {
  const body = concat("WEBP", ...chunks);
  return concat("RIFF", uint32(body.length).reverse(), body);
}

/** Makes a RIFF chunk, padded to an even length. */
export function webpChunk(type: string, data: Uint8Array | number[]): Bytes {
  const padding = data.length % 2 === 1 ? [0] : [];
  return concat(type, uint32(data.length).reverse(), data, padding);
}

/** Makes the data of a WebP canvas. */
export function webpCanvas(
  flags: number,
  width: number,
  height: number,
): Bytes {
  return webpChunk("VP8X", [
    flags,
    0,
    0,
    0,
    ...uint24(width - 1),
    ...uint24(height - 1),
  ]);
}

/** Writes 24 bits, the lowest byte first. */
export function uint24(value: number): number[] {
  return [value & 255, value >> 8 & 255, value >> 16 & 255];
}

/** Writes 32 bits, the highest byte first. */
export function uint32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

/** Probes bytes as a file. */
export async function probe(
  bytes: Bytes,
  limits?: { readonly maxPixels: number },
): Promise<ImageInfo> {
  const path = await Deno.makeTempFile({ prefix: "codex-image-server-" });
  try {
    await Deno.writeFile(path, bytes);
    return await probeImage(path, limits);
  } finally {
    await Deno.remove(path);
  }
}

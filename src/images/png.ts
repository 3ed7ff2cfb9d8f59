import { checkPixels, ImageError, type ImageInfo } from "./info.ts";
import { type PngChunk, readPngChunks } from "./png_chunks.ts";
import { type ByteSource, readView } from "./source.ts";

const HEADER_LENGTH = 13;

/** The bit depths that PNG allows for each colour type. */
const BIT_DEPTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);
const PALETTE_COLOUR = 3;
const ALPHA_COLOURS: readonly number[] = [4, 6];

interface Header {
  readonly width: number;
  readonly height: number;
  readonly colourType: number;
}

/**
 * Inspects a file that begins with the PNG signature: the header, the length and checksum of every chunk, and the order of
 * those that decide about the picture. Bytes after the IEND chunk are not looked at.
 *
 * @throws {ImageError} If the file is damaged, truncated, or larger than `maxPixels`
 */
export async function inspectPng(
  source: ByteSource,
  maxPixels: number,
): Promise<ImageInfo> {
  let header: Header | undefined;
  let alpha = false;
  let animated = false;
  let palette = false;
  let dataLength = 0;
  for await (const chunk of readPngChunks(source)) {
    if (header === undefined) {
      header = await readHeader(source, chunk);
      checkPixels(header, maxPixels);
      alpha = ALPHA_COLOURS.includes(header.colourType);
      continue;
    }
    switch (chunk.type) {
      case "PLTE":
        palette = true;
        break;
      case "tRNS":
        alpha = true;
        break;
      case "acTL":
        animated = true;
        break;
      case "IDAT":
        if (header.colourType === PALETTE_COLOUR && !palette) {
          throw new ImageError("has no PLTE chunk before its IDAT chunk");
        }
        dataLength += chunk.length;
        break;
      case "IEND":
        if (chunk.length > 0) throw new ImageError("has a damaged IEND chunk");
        break;
      default:
        if (isCritical(chunk.type)) {
          throw new ImageError(
            `has a misplaced or unknown ${chunk.type} chunk`,
          );
        }
    }
  }
  if (header === undefined || dataLength === 0) {
    throw new ImageError("has no picture: the IDAT chunk is missing");
  }
  return {
    format: "png",
    mimeType: "image/png",
    width: header.width,
    height: header.height,
    alpha,
    animated,
  };
}

async function readHeader(
  source: ByteSource,
  chunk: PngChunk,
): Promise<Header> {
  if (chunk.type !== "IHDR" || chunk.length !== HEADER_LENGTH) {
    throw new ImageError("has no IHDR chunk at its beginning");
  }
  const view = await readView(source, chunk);
  const bitDepth = view.getUint8(8);
  const colourType = view.getUint8(9);
  if (!BIT_DEPTHS.get(colourType)?.includes(bitDepth)) {
    throw new ImageError(
      `has colour type ${colourType} with bit depth ${bitDepth}, which PNG does not allow`,
    );
  }
  if (view.getUint8(10) !== 0 || view.getUint8(11) !== 0) {
    throw new ImageError("has an unknown compression or filter method");
  }
  if (view.getUint8(12) > 1) {
    throw new ImageError("has an unknown interlace method");
  }
  return { width: view.getUint32(0), height: view.getUint32(4), colourType };
}

/** A capital first letter marks a chunk without which the picture cannot be shown. */
function isCritical(type: string): boolean {
  return type[0] === type[0].toUpperCase();
}

import { checkPixels, ImageError, type ImageInfo } from "./info.ts";
import { type ByteSource, readView } from "./source.ts";
import { readWebpChunks, readWebpHead, type WebpChunk } from "./webp_chunks.ts";
import { readWebpPicture, type WebpPicture } from "./webp_picture.ts";

/** What every WebP file begins with, one character for each byte; the dots stand for the size. */
export const WEBP_SIGNATURE: RegExp = /^RIFF.{4}WEBP/s;

const HEAD_LENGTH = 12;
const CANVAS_LENGTH = 10;
const FRAME_HEAD_LENGTH = 16;
const ANIMATION_FLAG = 0x02;
const ALPHA_FLAG = 0x10;

interface Canvas extends WebpPicture {
  readonly animated: boolean;
}

interface Frame extends WebpPicture {
  readonly x: number;
  readonly y: number;
}

/**
 * Inspects a file that begins with the WebP signature: the RIFF size, every chunk, and that the picture or the frames agree
 * with the canvas. Bytes after the RIFF size are not looked at.
 *
 * @throws {ImageError} If the file is damaged, truncated, or larger than `maxPixels`
 */
export async function inspectWebp(
  source: ByteSource,
  maxPixels: number,
): Promise<ImageInfo> {
  const head = await readView(source, { offset: 0, length: HEAD_LENGTH });
  const end = 8 + head.getUint32(4, true);
  if (end > source.size) {
    throw new ImageError(
      `is truncated: it holds ${source.size} of its ${end} bytes`,
    );
  }
  const body = { offset: HEAD_LENGTH, length: end - HEAD_LENGTH };
  let canvas: Canvas | undefined;
  let alpha = false;
  let pictures = 0;
  for await (const chunk of readWebpChunks(source, body)) {
    if (canvas === undefined) {
      canvas = await readCanvas(source, chunk);
      checkPixels(canvas, maxPixels);
      alpha = canvas.alpha;
    }
    const picture = canvas.animated
      ? await readFrame(source, chunk)
      : await readStill(source, chunk);
    if (picture === undefined) continue;
    checkPlace(picture, canvas);
    alpha ||= picture.alpha;
    pictures++;
  }
  if (canvas === undefined || pictures === 0) {
    throw new ImageError("has no picture: the image data chunk is missing");
  }
  const { width, height, animated } = canvas;
  return {
    format: "webp",
    mimeType: "image/webp",
    width,
    height,
    alpha,
    animated,
  };
}

/** Reads what the first chunk says about the whole: the extended header, or the only picture itself. */
async function readCanvas(
  source: ByteSource,
  chunk: WebpChunk,
): Promise<Canvas> {
  if (chunk.type !== "VP8X") {
    const picture = await readWebpPicture(source, chunk);
    if (picture === undefined) {
      throw new ImageError("begins with a chunk that is no image data");
    }
    return { ...picture, animated: false };
  }
  const view = await readWebpHead(source, { ...chunk, least: CANVAS_LENGTH });
  const flags = view.getUint8(0);
  return {
    width: getUint24(view, 4) + 1,
    height: getUint24(view, 7) + 1,
    alpha: (flags & ALPHA_FLAG) !== 0,
    animated: (flags & ANIMATION_FLAG) !== 0,
  };
}

/** Reads the place and the picture of an animation frame, or nothing from a chunk of another kind. */
async function readFrame(
  source: ByteSource,
  chunk: WebpChunk,
): Promise<Frame | undefined> {
  if (chunk.type !== "ANMF") return;
  const view = await readWebpHead(source, {
    ...chunk,
    least: FRAME_HEAD_LENGTH,
  });
  const width = getUint24(view, 6) + 1;
  const height = getUint24(view, 9) + 1;
  const data = {
    offset: chunk.offset + FRAME_HEAD_LENGTH,
    length: chunk.length - FRAME_HEAD_LENGTH,
  };
  for await (const part of readWebpChunks(source, data)) {
    const picture = await readWebpPicture(source, part);
    if (picture === undefined) continue;
    if (picture.width !== width || picture.height !== height) break;
    return { ...picture, x: 2 * getUint24(view, 0), y: 2 * getUint24(view, 3) };
  }
  throw new ImageError(`has a damaged frame at byte ${chunk.offset}`);
}

async function readStill(
  source: ByteSource,
  chunk: WebpChunk,
): Promise<Frame | undefined> {
  const picture = await readWebpPicture(source, chunk);
  return picture && { ...picture, x: 0, y: 0 };
}

/** A still picture fills the canvas, a frame lies within it: a decoder believes the picture, the caller the canvas. */
function checkPlace(frame: Frame, canvas: Canvas): void {
  const right = frame.x + frame.width;
  const bottom = frame.y + frame.height;
  const agrees = canvas.animated
    ? right <= canvas.width && bottom <= canvas.height
    : right === canvas.width && bottom === canvas.height;
  if (!agrees) {
    throw new ImageError(
      `has a picture of ${frame.width}x${frame.height} pixels that does not agree with its canvas of ${canvas.width}x${canvas.height}`,
    );
  }
}

function getUint24(view: DataView, offset: number): number {
  return view.getUint16(offset, true) | view.getUint8(offset + 2) << 16;
}

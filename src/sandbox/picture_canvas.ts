import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const CHUNK_OVERHEAD = 12;
const FILTER_SUB = 1;
const FILTER_UP = 2;
const COLOUR_RGB = 2;
const COLOUR_RGBA = 6;

// Paintings are smooth: level 1 is the fastest and costs few bytes. It is not done on this thread.
const compress = promisify<Uint8Array, { level: number }, Uint8Array>(deflate);

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A rectangle in pixels, which may reach beyond the canvas. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How {@linkcode Canvas.toPng} writes a file. */
export interface PngOptions {
  /** Columns of the file; the last pixel of a row may be cut. */
  readonly width: number;
  /** Rows of the file; the last row may be cut. */
  readonly height: number;
  /** How many columns and rows of the file one pixel takes, 1 or 2. */
  readonly zoom: number;
  /** Keep the alpha channel; without it the file has none at all. */
  readonly alpha: boolean;
  /** Text of a stand-in manifest, kept in the chunk "caBX" where C2PA manifests are. */
  readonly manifest: string;
  /** Pad the file with noise in a chunk "paDd" to at least so many bytes. */
  readonly bytes?: number;
  /** The noise, 32 random bits a call. */
  readonly noise: () => number;
}

/** A transparent picture to paint on. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row by row from the top. */
  readonly data: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.data = new Uint8Array(width * height * 4);
  }

  /** Lays a colour over the pixel at an index of the data; coverage above 1 is 1. */
  blend(at: number, colour: Colour, coverage: number): void {
    const { data } = this;
    const cover = Math.min(1, coverage);
    if (cover <= 0) return;
    const below = data[at + 3] / 255 * (1 - cover);
    const alpha = cover + below;
    for (let channel = 0; channel < 3; channel++) {
      const mixed = colour[channel] * cover + data[at + channel] * below;
      data[at + channel] = Math.round(mixed / alpha);
    }
    data[at + 3] = Math.round(alpha * 255);
  }

  /** Blends a shape inside a box, given by how much it covers of each pixel. */
  stamp(
    { left, top, right, bottom }: Box,
    colour: Colour,
    coverage: (x: number, y: number) => number,
  ): void {
    const endX = Math.min(this.width, Math.ceil(right));
    const endY = Math.min(this.height, Math.ceil(bottom));
    for (let y = Math.max(0, Math.floor(top)); y < endY; y++) {
      for (let x = Math.max(0, Math.floor(left)); x < endX; x++) {
        this.blend((y * this.width + x) * 4, colour, coverage(x, y));
      }
    }
  }

  /** Encodes as PNG with 8 bits a channel; see https://www.w3.org/TR/png-3/. */
  async toPng(options: PngOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { alpha, manifest, bytes = 0, noise, width, height } = options;
    const header = new Uint8Array(13);
    const view = new DataView(header.buffer);
    view.setUint32(0, width);
    view.setUint32(4, height);
    header.set([8, alpha ? COLOUR_RGBA : COLOUR_RGB], 8);

    const parts = [
      SIGNATURE,
      chunk("IHDR", header),
      chunk("caBX", new TextEncoder().encode(manifest)),
      chunk("IDAT", await compress(filter(this, options), { level: 1 })),
      chunk("IEND", new Uint8Array()),
    ];
    const missing = bytes - parts.reduce((sum, part) => sum + part.length, 0);
    if (missing > 0) {
      const words = new Uint32Array(Math.ceil(missing / 4)).map(noise);
      parts.splice(3, 0, chunk("paDd", new Uint8Array(words.buffer)));
    }
    return await new Blob(parts).bytes();
  }
}

/** Each byte less that of the pixel on the left or above, which leaves little but zeros. */
function filter(
  { width: columns, data }: Canvas,
  { alpha, height, width, zoom }: PngOptions,
): Uint8Array {
  const channels = alpha ? 4 : 3;
  const stride = 1 + width * channels;
  const filtered = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const start = y * stride;
    filtered[start] = y % zoom === 0 ? FILTER_SUB : FILTER_UP;
    // A repeated row is the one above, and a repeated pixel the one on the left: zeros.
    if (y % zoom !== 0) continue;
    let from = y / zoom * columns * 4;
    for (let x = 0; x < width; x += zoom, from += 4) {
      const to = start + 1 + x * channels;
      for (let channel = 0; channel < channels; channel++) {
        const left = x === 0 ? 0 : data[from + channel - 4];
        filtered[to + channel] = data[from + channel] - left;
      }
    }
  }
  return filtered;
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHUNK_OVERHEAD + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  new TextEncoder().encodeInto(type, bytes.subarray(4));
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

import type { Region, Sharp } from "sharp";
import { ImageError } from "./format.ts";
import { type ImageInput, withSharp } from "./pixels.ts";

/** Pixels that the interpolation reads before and behind a point. */
const REACH = 2;
const MAX_SCALE = 64;

/** What {@linkcode enlarge} cuts out of an enlarged image. */
export interface EnlargeOptions {
  /** The size of the image as shown. */
  readonly from: { readonly width: number; readonly height: number };
  /** The size of the result, at most that of the enlarged image but for rounding: its centre. */
  readonly to: { readonly width: number; readonly height: number };
  /** The factor for both edges, more than 1. */
  readonly scale: number;
  /** Whether the image has transparent parts, the hidden colours of which must not show. */
  readonly alpha: boolean;
  /** Prepares the image before it is enlarged: its rotation and colours. */
  readonly prepare: (image: Sharp) => Sharp;
}

/** An enlarged image. */
export interface Enlarged {
  /** A PNG that is not compressed, with the profile and the metadata of the image. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The part of it that is the result; around it are pixels that only the interpolation needed. */
  readonly window: Region;
}

/**
 * Enlarges an image around its centre by bicubic interpolation.
 *
 * The `resize` of libvips moves whatever it enlarges right and down by half a pixel, so that layers and masks do not register;
 * its `affine` takes the offset that `resize` lacks. Measured on seven images enlarged 1.6 and 2 times: 36.7 dB against 29.2 dB
 * of `resize`. Lanczos-3 of our own came to 36.9 dB, which is not worth a worker and copies of all pixels.
 *
 * @throws {ImageError} If the image cannot be decoded, or is to be more than 64 times as large
 */
export async function enlarge(
  image: ImageInput,
  options: EnlargeOptions,
): Promise<Enlarged> {
  const { from, to, scale, alpha, prepare } = options;
  if (scale > MAX_SCALE) {
    throw new ImageError(
      `has ${from.width}x${from.height} pixels, too few to be enlarged ${
        Math.round(scale)
      } times`,
    );
  }
  const across = planAxis(from.width, to.width, scale);
  const down = planAxis(from.height, to.height, scale);
  const padded = await withSharp(image, (picture) =>
    writeRaw(
      prepare(picture)
        .extract({
          left: across.start,
          top: down.start,
          width: across.length,
          height: down.length,
        })
        .extend({
          left: across.before,
          right: across.after,
          top: down.before,
          bottom: down.after,
          extendWith: "copy",
        }),
    ));
  const enlarged = await withSharp(padded, (picture) => {
    picture.keepMetadata().affine([[scale, 0], [0, scale]], {
      interpolator: "bicubic",
      odx: across.shift,
      ody: down.shift,
    });
    // Only a filter makes sharp multiply colours by their alpha and back; this one changes nothing.
    if (alpha) {
      picture.convolve({
        width: 3,
        height: 3,
        kernel: [0, 0, 0, 0, 1, 0, 0, 0, 0],
      });
    }
    return writeRaw(picture);
  });
  return {
    bytes: enlarged,
    window: { left: across.offset, top: down.offset, ...to },
  };
}

/** What is done along one axis, in pixels of the image, and of the result from `shift` on. */
interface Axis {
  readonly start: number;
  readonly length: number;
  readonly before: number;
  readonly after: number;
  readonly shift: number;
  readonly offset: number;
}

/** Finds the pixels of the image that the result needs, and where in the enlarged part it lies. */
function planAxis(from: number, to: number, scale: number): Axis {
  const cropped = (from * scale - to) / 2;
  const sourceOf = (x: number) => (x + 0.5 + cropped) / scale - 0.5;
  const first = Math.floor(sourceOf(0)) - REACH;
  const last = Math.ceil(sourceOf(to - 1)) + REACH;
  const start = Math.max(0, first);
  const end = Math.min(from, last + 1);
  const origin = (first + 0.5) * scale - 0.5 - cropped;
  const offset = -Math.round(origin);
  return {
    start,
    length: end - start,
    before: start - first,
    after: last + 1 - end,
    // The box of the result is rounded: a half would fall on either side.
    shift: Math.max(origin + offset, -0.499),
    offset,
  };
}

async function writeRaw(picture: Sharp): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer, byteOffset, byteLength } = await picture
    .png({ compressionLevel: 0 })
    .toBuffer();
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

import { withSharp } from "./pixel_work.ts";

const HALF = 128;
const TRANSPARENT_SHARE = 0.005;
const SOLID = 250;

/** How much can be seen through a picture. */
export interface Alpha {
  /** The alpha of the most transparent pixel, from 0 to 255. */
  readonly lowest: number;
  /** The share of pixels with an alpha below 128, from 0 to 1. */
  readonly transparentShare: number;
}

/**
 * Measures the alpha of every pixel, which is 255 where there is no alpha channel. All pixels are decoded, so that a picture
 * with damaged data is found out too.
 *
 * @throws {ImageError} If the picture cannot be decoded
 */
export async function measureAlpha(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Alpha> {
  const alphas = await withSharp(
    bytes,
    (picture) => picture.ensureAlpha().extractChannel("alpha").raw().toBuffer(),
  );
  let lowest = 255;
  let transparent = 0;
  for (let index = 0; index < alphas.length; index++) {
    const alpha = alphas[index];
    if (alpha < lowest) lowest = alpha;
    if (alpha < HALF) transparent++;
  }
  return { lowest, transparentShare: transparent / alphas.length };
}

/** Tells whether a picture counts as transparent: at least 0.5 % of its pixels have an alpha below 128. */
export function isTransparent(alpha: Alpha): boolean {
  return alpha.transparentShare >= TRANSPARENT_SHARE;
}

/**
 * Tells whether a picture counts as opaque: no pixel has an alpha below 250. Codex gives the solid parts of transparent
 * pictures an alpha of 251 to 254. A picture may be neither opaque nor transparent.
 */
export function isOpaque(alpha: Alpha): boolean {
  return alpha.lowest >= SOLID;
}

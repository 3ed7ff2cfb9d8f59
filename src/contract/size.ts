/** The longest edge of an image, in pixels. */
export const MAX_EDGE = 3840;

/** The fewest pixels of an image. */
export const MIN_PIXELS = 655_360;

/** The most pixels of an image. */
export const MAX_PIXELS = 8_294_400;

/** What both edges of an image are a multiple of, in pixels. */
export const MULTIPLE_OF = 16;

/** The most times the long edge of an image may hold the short one. */
export const MAX_RATIO = 3;

/** The size of an image. */
export interface Size {
  /** Whole pixels from left to right. */
  readonly width: number;
  /** Whole pixels from top to bottom. */
  readonly height: number;
}

/**
 * Names the first size rule that a size breaks: the multiple of 16, then the longest edge, the number of pixels, and the
 * ratio.
 *
 * @returns The broken rule in words, or `undefined` for a legal size
 *
 * @example
 * ```ts
 * import { checkSize } from "./size.ts";
 *
 * checkSize({ width: 1920, height: 1080 }); // "height 1080 is not a multiple of 16"
 * ```
 */
export function checkSize(size: Size): string | undefined {
  const { width, height } = size;
  const pixels = width * height;
  const longest = Math.max(width, height);
  if (width % MULTIPLE_OF !== 0) {
    return `width ${width} is not a multiple of ${MULTIPLE_OF}`;
  }
  if (height % MULTIPLE_OF !== 0) {
    return `height ${height} is not a multiple of ${MULTIPLE_OF}`;
  }
  if (longest > MAX_EDGE) {
    return `the longest edge ${longest} is over ${MAX_EDGE}`;
  }
  if (pixels < MIN_PIXELS) {
    return `${pixels} pixels are fewer than ${MIN_PIXELS}`;
  }
  if (pixels > MAX_PIXELS) {
    return `${pixels} pixels are more than ${MAX_PIXELS}`;
  }
  if (longest > MAX_RATIO * Math.min(width, height)) {
    return `the ratio is over ${MAX_RATIO}:1`;
  }
}

/** Writes a size as requests and answers do: `1536x864`. */
export function formatSize(size: Size): string {
  return `${size.width}x${size.height}`;
}

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

/** A ratio of width to height, such as 16:9. */
export interface Ratio {
  /** The part of the width, above zero. */
  readonly width: number;
  /** The part of the height, above zero. */
  readonly height: number;
}

/** The shape that a request asks for: a ratio, or that of the first reference or of the caller's canvas. */
export type Aspect = Ratio | "reference" | "canvas";

/** The aspects that a user interface may offer. */
export const RATIO_OPTIONS = [
  "参考图比例",
  "画布比例",
  "1:1",
  "16:9",
  "9:16",
  "3:2",
  "2:3",
  "4:3",
  "3:4",
  "4:5",
  "5:4",
  "21:9",
] as const;

const NAMED: ReadonlyMap<string, Aspect> = new Map<string, Aspect>([
  ["landscape", { width: 16, height: 9 }],
  ["portrait", { width: 9, height: 16 }],
  ["square", { width: 1, height: 1 }],
  ["reference", "reference"],
  ["参考图比例", "reference"],
  ["原图比例", "reference"],
  ["canvas", "canvas"],
  ["画布比例", "canvas"],
]);

const RATIO = /^(\d{1,6}(?:\.\d{1,6})?):(\d{1,6}(?:\.\d{1,6})?)$/;

/**
 * Reads the `aspect` of a request: a name, or `W:H` with numbers above zero such as `16:9` and `2.35:1`.
 *
 * @returns The aspect, or `undefined` for text that is none
 */
export function parseAspect(text: string): Aspect | undefined {
  const named = NAMED.get(text);
  if (named !== undefined) return named;
  const match = RATIO.exec(text);
  if (match === null) return undefined;
  const ratio = { width: Number(match[1]), height: Number(match[2]) };
  return ratio.width > 0 && ratio.height > 0 ? ratio : undefined;
}

/** Brings a ratio within 3:1 and 1:3, and whole numbers to their lowest terms: 1920:1080 becomes 16:9, and 5:1 3:1. */
export function legalRatio(ratio: Ratio): Ratio {
  const { width, height } = ratio;
  if (width >= MAX_RATIO * height) return { width: MAX_RATIO, height: 1 };
  if (height >= MAX_RATIO * width) return { width: 1, height: MAX_RATIO };
  if (!Number.isInteger(width) || !Number.isInteger(height)) return ratio;
  const divisor = greatestCommonDivisor(width, height);
  return { width: width / divisor, height: height / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

let found: readonly Size[] | undefined;

/** Lists every size that the image model can be asked for, narrow ones first; the list is made once, when first needed. */
export function legalSizes(): readonly Size[] {
  return found ??= findLegalSizes();
}

/**
 * Finds the legal size that changes a wanted size the least.
 *
 * Both edges count by their relative change: it is the distance between the points (ln width, ln height) of the two sizes.
 *
 * @param wanted Edges of at least one pixel
 */
export function nearestLegalSize(wanted: Size): Size {
  const width = Math.log(wanted.width);
  const height = Math.log(wanted.height);
  let [nearest] = legalSizes();
  let least = Infinity;
  for (const size of legalSizes()) {
    const change = (Math.log(size.width) - width) ** 2 +
      (Math.log(size.height) - height) ** 2;
    if (change < least) {
      nearest = size;
      least = change;
    }
  }
  return nearest;
}

function findLegalSizes(): Size[] {
  const sizes: Size[] = [];
  for (let width = MULTIPLE_OF; width <= MAX_EDGE; width += MULTIPLE_OF) {
    for (let height = MULTIPLE_OF; height <= MAX_EDGE; height += MULTIPLE_OF) {
      const size = { width, height };
      if (checkSize(size) === undefined) sizes.push(size);
    }
  }
  return sizes;
}

/** The names of the size presets, the smallest first. */
export const PRESETS = ["1K", "2K", "4K"] as const;

/** The name of a size preset. */
export type Preset = typeof PRESETS[number];

/** How far the ratio of a preset's size may be from the wanted one. */
const RATIO_TOLERANCE = 0.02;

/** How much of the largest area at about the wanted ratio a preset's size has to have. */
const LEAST_AREA = 0.85;

const LIMITS = {
  "1K": { edge: 1024, pixels: 1_048_576 },
  "2K": { edge: 2048, pixels: 4_194_304 },
  "4K": { edge: MAX_EDGE, pixels: MAX_PIXELS },
} as const satisfies Record<Preset, { edge: number; pixels: number }>;

/**
 * Finds the size that a preset means for a ratio.
 *
 * Of the legal sizes within the preset's edge and pixels and within 2 % of the ratio, those with at least 85 % of the
 * largest area among them count; the nearest in ratio is taken, and of equals the largest. Where none fits, it is the
 * smallest legal size of the ratio, or of the nearest ratio that there is: 1K at 16:9 is 1280x720.
 *
 * @param ratio Between 1:3 and 3:1, see `legalRatio`
 *
 * @example
 * ```ts
 * import { presetSize } from "./size.ts";
 *
 * presetSize("4K", { width: 16, height: 9 }); // { width: 3840, height: 2160 }
 * ```
 */
export function presetSize(preset: Preset, ratio: Ratio): Size {
  const { edge, pixels } = LIMITS[preset];
  const near = legalSizes().filter((size) =>
    Math.max(size.width, size.height) <= edge && area(size) <= pixels &&
    ratioError(size, ratio) <= RATIO_TOLERANCE
  );
  const least = LEAST_AREA * Math.max(...near.map(area));
  const large = near.filter((size) => area(size) >= least);
  return large.length > 0
    ? nearestRatio(large, ratio, (a, b) => area(a) > area(b))
    : nearestRatio(legalSizes(), ratio, (a, b) => area(a) < area(b));
}

/** Finds the size whose ratio is nearest, and of several that one which is better. */
function nearestRatio(
  sizes: readonly Size[],
  ratio: Ratio,
  isBetter: (one: Size, other: Size) => boolean,
): Size {
  return sizes.reduce((best, size) => {
    const more = ratioError(size, ratio) - ratioError(best, ratio);
    return more < 0 || (more === 0 && isBetter(size, best)) ? size : best;
  });
}

/** How far the ratio of a size is from another, as a part of that. */
function ratioError(size: Size, ratio: Ratio): number {
  const wanted = size.height * ratio.width;
  return Math.abs(size.width * ratio.height - wanted) / wanted;
}

function area(size: Size): number {
  return size.width * size.height;
}

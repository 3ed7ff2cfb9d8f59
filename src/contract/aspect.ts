import { MAX_RATIO } from "./size.ts";

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

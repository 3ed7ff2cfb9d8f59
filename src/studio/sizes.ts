/** Shapes and sizes: what may be asked for, and how it looks. */
import { numberOf } from "./format.ts";

/** Which exact pixels the server delivers: the lengths of edges, and how many in all. */
export const EXACT = { min: 64, max: 8192, maxPixels: 33_177_600 } as const;

/** Reads `W:H` or `WxH` as width divided by height; nothing where it is neither. */
export function ratioOf(text: string): number | undefined {
  const [, width, height] = /^(\d+(?:\.\d+)?)[:x](\d+(?:\.\d+)?)$/.exec(text) ??
    [];
  const ratio = Number(width) / Number(height);
  return ratio > 0 && Number.isFinite(ratio) ? ratio : undefined;
}

/** Lists the shapes that a form offers, from square to wide and from square to tall. */
export function ratiosOf(options: readonly string[]): string[] {
  const ratios = options.filter(ratioOf);
  const wide = (ratio: string) => ratioOf(ratio) ?? 1;
  return [
    ...ratios.filter((ratio) => wide(ratio) >= 1)
      .sort((one, other) => wide(one) - wide(other)),
    ...ratios.filter((ratio) => wide(ratio) < 1)
      .sort((one, other) => wide(other) - wide(one)),
  ];
}

/** Names the rule that exact pixels break; nothing where the server delivers them. */
export function exactProblem(
  [width, height]: readonly [number, number],
): string | undefined {
  const { max, maxPixels, min } = EXACT;
  if (!(width > 0 && height > 0)) return "Both edges need a number";
  for (const edge of [width, height]) {
    if (edge < min) return `${edge} is under ${min}`;
    if (edge > max) return `${edge} is over ${max}`;
  }
  if (width * height > maxPixels) {
    return `More than ${numberOf(maxPixels)} pixels`;
  }
}

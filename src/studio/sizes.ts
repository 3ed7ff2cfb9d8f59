/** Shapes and sizes: what may be asked for, and how it looks. */
import type { Capabilities } from "./contract.ts";

type Rules = Capabilities["size_constraints"];

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

/** Names the rule that exact pixels break; nothing where they are legal. */
export function sizeProblem(
  [width, height]: readonly [number, number],
  rules: Rules,
): string | undefined {
  const { max_edge, max_pixels, min_pixels, multiple_of } = rules;
  const pixels = width * height;
  if (!(width > 0 && height > 0)) return "Both edges need a number";
  for (const edge of [width, height]) {
    if (edge % multiple_of !== 0) {
      return `${edge} is not a multiple of ${multiple_of}`;
    }
    if (edge > max_edge) return `${edge} is over ${max_edge}`;
  }
  if (Math.max(width, height) > maxRatio(rules) * Math.min(width, height)) {
    return `Longer than ${rules.max_ratio}`;
  }
  if (pixels < min_pixels) return `Fewer than ${megapixels(min_pixels)}`;
  if (pixels > max_pixels) return `More than ${megapixels(max_pixels)}`;
}

/** Finds legal pixels near to others, in about the same shape. */
export function legalSize(
  [width, height]: readonly [number, number],
  rules: Rules,
): readonly [number, number] {
  const { max_edge, max_pixels, min_pixels, multiple_of } = rules;
  const most = maxRatio(rules);
  const ratio = Math.min(most, Math.max(1 / most, width / height || 1));
  const wanted = width * height || min_pixels;
  const step = (edge: number) =>
    Math.min(max_edge, Math.max(multiple_of, edge - edge % multiple_of));
  let area = Math.min(max_pixels, Math.max(min_pixels, wanted));
  for (let tries = 0; tries < 200; tries++) {
    const wide = step(Math.sqrt(area * ratio) + multiple_of / 2);
    const tall = step(Math.sqrt(area / ratio) + multiple_of / 2);
    const found = [wide, tall] as const;
    if (sizeProblem(found, rules) === undefined) return found;
    area *= wide * tall < min_pixels ? 1.01 : 0.99;
  }
  return [1024, 1024];
}

function maxRatio({ max_ratio }: Rules): number {
  return ratioOf(max_ratio) ?? 3;
}

function megapixels(pixels: number): string {
  return `${(pixels / 1_000_000).toFixed(2)} megapixels`;
}

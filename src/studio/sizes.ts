/** Shapes and sizes: what may be asked for, and how it looks. */
import type { Capabilities } from "./contract.ts";
import { numberOf } from "./format.ts";

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

/**
 * Names the rule that exact pixels break; nothing where the server delivers them.
 *
 * @param limits What the server has told, if it has yet: it refuses what it does not deliver.
 */
export function exactProblem(
  [width, height]: readonly [number, number],
  limits: Capabilities["output_size_constraints"] | undefined,
): string | undefined {
  if (!(width > 0 && height > 0)) return "Both edges need a number";
  if (limits === undefined) return;
  const { max_edge, max_pixels, min_edge } = limits;
  for (const edge of [width, height]) {
    if (edge < min_edge) return `${edge} is under ${min_edge}`;
    if (edge > max_edge) return `${edge} is over ${max_edge}`;
  }
  if (width * height > max_pixels) {
    return `More than ${numberOf(max_pixels)} pixels`;
  }
}

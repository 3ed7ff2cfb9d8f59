import type { Ratio } from "./aspect.ts";
import { legalSizes } from "./legal_sizes.ts";
import { MAX_EDGE, MAX_PIXELS, type Size } from "./size.ts";

/** The names of the size presets, the smallest first. */
export const PRESETS = ["1K", "2K", "4K"] as const;

/** The name of a size preset. */
export type Preset = typeof PRESETS[number];

/** How far the ratio of a preset's size may be from the wanted one: one part in this many, which is 2 %. */
const RATIO_PRECISION = 50;

const LIMITS = {
  "1K": { edge: 1024, pixels: 1_048_576 },
  "2K": { edge: 2048, pixels: 4_194_304 },
  "4K": { edge: MAX_EDGE, pixels: MAX_PIXELS },
} as const satisfies Record<Preset, { edge: number; pixels: number }>;

/**
 * Finds the size that a preset means for a ratio: the largest legal size within the preset's edge and pixels whose ratio is
 * within 2 % of the wanted one, or the smallest legal size of that ratio where none fits (1K at 16:9 is one such).
 *
 * @param ratio Between 1:3 and 3:1, see `legalRatio`
 *
 * @example
 * ```ts
 * import { presetSize } from "./preset.ts";
 *
 * presetSize("4K", { width: 16, height: 9 }); // { width: 3840, height: 2160 }
 * ```
 */
export function presetSize(preset: Preset, ratio: Ratio): Size {
  const { edge, pixels } = LIMITS[preset];
  const shaped = legalSizes().filter((size) => isNear(size, ratio));
  const fitting = shaped.filter((size) =>
    Math.max(size.width, size.height) <= edge && area(size) <= pixels
  );
  const [size] = fitting.length > 0
    ? fitting.sort((a, b) => area(b) - area(a))
    : shaped.sort((a, b) => area(a) - area(b));
  return size;
}

/** In whole numbers, so that a ratio that is off by exactly 2 % is never lost to rounding. */
function isNear(size: Size, ratio: Ratio): boolean {
  return RATIO_PRECISION *
      Math.abs(size.width * ratio.height - size.height * ratio.width) <=
    size.height * ratio.width;
}

function area(size: Size): number {
  return size.width * size.height;
}

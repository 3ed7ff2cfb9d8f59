import type { Ratio } from "../contract/aspect.ts";

/** A ratio this close to 1 counts as square. */
const SQUARE_TOLERANCE = 0.03;

/**
 * Says a ratio in the words that steer the image model, which reads no size but in its prompt.
 *
 * @param ratio The wanted ratio, in lowest terms.
 */
export function shapeLine(ratio: Ratio): string {
  const name = `${ratio.width}:${ratio.height}`;
  const relation = ratio.width / ratio.height;
  if (Math.abs(relation - 1) <= SQUARE_TOLERANCE) {
    return `Aspect ratio: ${name}, square canvas.`;
  }
  return relation > 1
    ? `Aspect ratio: ${name}, wide landscape (horizontal) canvas.`
    : `Aspect ratio: ${name}, tall portrait (vertical) canvas.`;
}

import { REFERENCE_LIMITS } from "../api/references.ts";
import type { Ratio } from "../api/size.ts";
import { writePrompt } from "../codex/prompt.ts";
import type { GenerationContext } from "./generation.ts";
import { MASK_LINE } from "./references.ts";

/** A ratio this close to 1 counts as square. */
const SQUARE_TOLERANCE = 0.03;

/**
 * Says a ratio in the words that steer the image model, which reads no size but in its prompt.
 *
 * @param ratio The wanted ratio, in lowest terms.
 */
export function aspectPrompt(ratio: Ratio): string {
  const name = `${ratio.width}:${ratio.height}`;
  const relation = ratio.width / ratio.height;
  if (Math.abs(relation - 1) <= SQUARE_TOLERANCE) {
    return `Aspect ratio: ${name}, square canvas.`;
  }
  return relation > 1
    ? `Aspect ratio: ${name}, wide landscape (horizontal) canvas.`
    : `Aspect ratio: ${name}, tall portrait (vertical) canvas.`;
}

/** A direction that sets one candidate apart from its siblings. */
export interface Variation {
  /** Its short name, kept with the picture. */
  readonly name: string;
  /** What the image model reads. */
  readonly direction: string;
}

/**
 * The directions, one for each candidate of a request.
 *
 * The first is the plain reading, so that a single picture is just what was described. The others
 * touch only what a description usually leaves open.
 */
export const VARIATIONS: readonly Variation[] = [
  {
    name: "faithful",
    direction:
      "the plainest reading of the description: clear subject, balanced composition, natural light, true colours.",
  },
  {
    name: "viewpoint",
    direction:
      "another place for the camera: step low and close or high and far, let the subject sit off centre, and lead the eye in with a strong foreground.",
  },
  {
    name: "light",
    direction:
      "another hour: directional light from one side or from behind, long shadows, a bright rim on the subject, more contrast between lit and unlit.",
  },
  {
    name: "palette",
    direction:
      "another mood: a narrow palette of two related colours and one accent, quiet background, generous empty space around the subject.",
  },
];

/**
 * Writes the line that gives a candidate its direction.
 *
 * @param index Which candidate, from 0.
 * @param count How many there are.
 */
export function variationPrompt(index: number, count: number): string {
  const { direction } = VARIATIONS[index];
  return count === 1
    ? `Direction: ${direction}`
    : `Candidate ${
      index + 1
    } of ${count}, to differ visibly from the others where the description leaves room: ${direction}`;
}

/**
 * Writes what the worker of a candidate reads on standard input.
 *
 * @param index Which candidate, from 0.
 * @param remindReferences Whether an earlier worker left originals out.
 */
export function workerInput(
  { references, request, target }: GenerationContext,
  index: number,
  remindReferences: boolean,
): string {
  const { background, prompt, quality } = request;
  const mentioned = references.map(({ path, label }) => ({ path, label }));
  return writePrompt({
    words: prompt,
    directions: [
      variationPrompt(index, request.count),
      ...(target.ratio === undefined ? [] : [aspectPrompt(target.ratio)]),
      ...(quality === "auto" ? [] : [`Quality: ${quality}.`]),
      ...(request.hasMask ? [MASK_LINE] : []),
    ],
    originals: mentioned.slice(0, REFERENCE_LIMITS.maxOriginals),
    seen: mentioned.slice(REFERENCE_LIMITS.maxOriginals),
    remindReferences,
    transparent: background === "auto"
      ? undefined
      : background === "transparent",
  });
}

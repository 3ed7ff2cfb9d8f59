import { ValidationError } from "./validation_error.ts";
import {
  type Aspect,
  legalRatio,
  type Preset,
  presetSize,
  type Ratio,
  type Size,
} from "./size.ts";

/** What a request may say about its size: leave it to the model, a preset, or exact pixels. */
export type SizeChoice = "auto" | Preset | Size;

/** The shortest and the longest edge of a delivered image, in pixels. */
export const OUTPUT_EDGES = { min: 64, max: 8192 } as const;

/** The most pixels of a delivered image: those of 8K. */
export const MAX_OUTPUT_PIXELS = 33_177_600;

/** Which sizes a delivered image may have, in words. */
export const OUTPUT_SIZE_RULE =
  `edges of ${OUTPUT_EDGES.min} to ${OUTPUT_EDGES.max} pixels, at most ${
    MAX_OUTPUT_PIXELS.toLocaleString("en-US")
  } in all`;

/** The exact pixels of the delivered image: a size, or that of the first reference or of the caller's canvas. */
export type OutputSize = Size | "reference" | "canvas";

/** Names the rule for delivered images that a size breaks; `undefined` where it breaks none. */
export function checkOutputSize({ width, height }: Size): string | undefined {
  const { min, max } = OUTPUT_EDGES;
  for (const [name, edge] of Object.entries({ width, height })) {
    if (!Number.isInteger(edge)) return `${name} ${edge} is no whole number`;
    if (edge < min) return `${name} ${edge} is under ${min}`;
    if (edge > max) return `${name} ${edge} is over ${max}`;
  }
  if (width * height > MAX_OUTPUT_PIXELS) {
    return `${width * height} pixels are more than ${MAX_OUTPUT_PIXELS}`;
  }
}

/** What {@linkcode resolveTarget} goes by. */
export interface TargetOptions {
  /** The size that the request asks for. */
  readonly size: SizeChoice;
  /** The exact pixels that the request asks for; an exact `size` has its own. */
  readonly outputSize?: OutputSize | undefined;
  /** The shape that the request asks for; an exact `size` has its own. */
  readonly aspect?: Aspect | undefined;
  /** The size of the caller's canvas, for the aspect `canvas`. */
  readonly canvasSize?: Ratio | undefined;
  /** The upright size of the first reference, read from its bytes, for the aspect `reference`. */
  readonly firstReference?: Ratio | undefined;
}

/** What an image should become: nothing, only a ratio, or a ratio and an exact size. */
export interface Target {
  /** The wanted ratio in lowest terms and within 3:1, to be put in words for the model; `undefined` leaves it to the model. */
  readonly ratio: Ratio | undefined;
  /** The exact size to bring the image to; `undefined` leaves it as it was made. */
  readonly size: Size | undefined;
  /** What the caller should know about it. */
  readonly warnings: readonly string[];
}

/**
 * Resolves what a request says about size and shape.
 *
 * An exact size stands for itself and its aspect is ignored, and so does an output size, which need not be legal: it is
 * drawn in the nearest legal shape. A preset takes the ratio of the aspect, and without one it is square, whatever
 * references or canvas there are: the caller asks for their ratio by name. `auto` never has an exact size, and has a ratio
 * only where there is an aspect. An aspect that names a reference or a canvas that the request lacks counts as not given,
 * with a warning.
 *
 * @throws {ValidationError} `invalid_size` where the output size is that of a reference or a canvas that is missing or that
 * no delivered image may have
 */
export function resolveTarget(options: TargetOptions): Target {
  const { aspect, outputSize, size } = options;
  if (typeof size === "object") {
    return { ratio: legalRatio(size), size, warnings: [] };
  }
  if (outputSize !== undefined) {
    const exact = resolveOutputSize(outputSize, options);
    return { ratio: legalRatio(exact), size: exact, warnings: [] };
  }
  const wanted = typeof aspect === "string" ? sizeOf(aspect, options) : aspect;
  const warnings = aspect !== undefined && wanted === undefined
    ? [`The aspect "${aspect}" counts as not given: ${missing(aspect)}`]
    : [];
  const ratio = wanted && legalRatio(wanted);
  if (size === "auto") return { ratio, size: undefined, warnings };
  const shape = ratio ?? { width: 1, height: 1 };
  return { ratio: shape, size: presetSize(size, shape), warnings };
}

function resolveOutputSize(
  outputSize: OutputSize,
  options: TargetOptions,
): Size {
  if (typeof outputSize === "object") return outputSize;
  const size = sizeOf(outputSize, options);
  const problem = size === undefined
    ? missing(outputSize)
    : checkOutputSize(size);
  if (size !== undefined && problem === undefined) return size;
  throw new ValidationError(
    `Cannot use output_size "${outputSize}": ${problem}; expected ${OUTPUT_SIZE_RULE}, or WIDTHxHEIGHT in its place`,
    { code: "invalid_size", param: "output_size" },
  );
}

function sizeOf(
  name: "reference" | "canvas",
  { canvasSize, firstReference }: TargetOptions,
): Ratio | undefined {
  return name === "canvas" ? canvasSize : firstReference;
}

function missing(name: Aspect | OutputSize): string {
  return name === "canvas"
    ? "there is no canvas_size"
    : "there is no image in references";
}

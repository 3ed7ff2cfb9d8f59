import { type Aspect, legalRatio, type Ratio } from "./aspect.ts";
import { InvalidRequest } from "./invalid_request.ts";
import { type Preset, presetSize } from "./preset.ts";
import type { Size } from "./size.ts";

/** What a request may say about its size: leave it to the model, a preset, or exact pixels. */
export type SizeChoice = "auto" | Preset | Size;

/** What {@linkcode resolveTarget} goes by. */
export interface TargetOptions {
  /** The size that the request asks for. */
  readonly size: SizeChoice;
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
  /** The exact legal size to bring the image to; `undefined` leaves it as it was made. */
  readonly size: Size | undefined;
}

/**
 * Resolves what a request says about size and shape.
 *
 * An exact size stands for itself and its aspect is ignored. A preset takes the ratio of the aspect, and without one it is
 * square, whatever references or canvas there are: the caller asks for their ratio by name. `auto` never has an exact size,
 * and has a ratio only where there is an aspect.
 *
 * @throws {InvalidRequest} `invalid_aspect` where the aspect names a reference or a canvas that the request lacks
 */
export function resolveTarget(options: TargetOptions): Target {
  const { size, aspect } = options;
  if (typeof size === "object") return { ratio: legalRatio(size), size };
  const wanted = aspect === undefined
    ? undefined
    : aspectRatio(aspect, options);
  if (size === "auto") return { ratio: wanted, size: undefined };
  const ratio = wanted ?? { width: 1, height: 1 };
  return { ratio, size: presetSize(size, ratio) };
}

function aspectRatio(aspect: Aspect, options: TargetOptions): Ratio {
  if (typeof aspect === "object") return legalRatio(aspect);
  const ratio = aspect === "canvas"
    ? options.canvasSize
    : options.firstReference;
  if (ratio !== undefined) return legalRatio(ratio);
  const missing = aspect === "canvas"
    ? "expected canvas_size with width and height, and it is missing"
    : "expected at least one image in references, and there is none";
  throw new InvalidRequest(`Cannot use aspect "${aspect}": ${missing}`, {
    code: "invalid_aspect",
    param: "aspect",
  });
}

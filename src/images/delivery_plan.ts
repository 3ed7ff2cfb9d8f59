import { isOpaque } from "./alpha.ts";
import type { Examined, PictureFormat } from "./examine.ts";
import { type Fit, type PixelSize, planResize, type Resize } from "./fit.ts";

/** What was asked for. */
export interface DeliveryWish {
  /** The exact size; `undefined` leaves it as Codex made it. */
  readonly size: PixelSize | undefined;
  /** What to do where Codex made another size. */
  readonly fit: Fit;
  /** The format. */
  readonly format: PictureFormat;
  /**
   * The quality of JPEG and WebP from 0 to 100, the best.
   *
   * @default {90}
   */
  readonly compression: number | undefined;
  /** Whether the picture may, must not or should have transparent parts. */
  readonly background: "auto" | "opaque" | "transparent";
}

/** What has to be done to a picture. */
export interface DeliveryPlan {
  /** What is done about the size, if anything. */
  readonly resize: Resize | null;
  /** Whether the picture is put on white and loses its alpha channel, if it has one. */
  readonly flatten: boolean;
  /** What `contain` pads with. */
  readonly padding: "white" | "transparent";
  /** Whether anything at all is done. */
  readonly converts: boolean;
}

/**
 * Decides what has to be done to the picture that Codex made for it to be what was asked for, and no more than that.
 *
 * Only a picture that can be seen through is converted just to be opaque: solid parts with an alpha of 254 are not worth it.
 */
export function planDelivery(
  native: Examined,
  wish: DeliveryWish,
): DeliveryPlan {
  const { format, background } = wish;
  const resize = planResize(native, wish);
  const solid = format === "jpeg" || background === "opaque";
  const seeThrough = native.alpha !== undefined && !isOpaque(native.alpha);
  const clear = !solid && (seeThrough || background === "transparent");
  return {
    resize,
    flatten: solid,
    padding: clear ? "transparent" : "white",
    converts: format !== native.format ||
      (resize !== null && resize.fit !== "none") ||
      (solid && seeThrough) ||
      (format !== "png" && wish.compression !== undefined),
  };
}

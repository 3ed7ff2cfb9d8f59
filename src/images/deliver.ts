import { isTransparent } from "./alpha.ts";
import {
  type DeliveryPlan,
  type DeliveryWish,
  planDelivery,
} from "./delivery_plan.ts";
import { listWarnings } from "./delivery_warnings.ts";
import { encodePicture } from "./encode.ts";
import { type Examined, examinePicture } from "./examine.ts";
import type { Resize } from "./fit.ts";
import type { ImageMimeType } from "./info.ts";
import { doPixelWork, withSharp } from "./pixel_work.ts";

const WHITE = "#ffffff";
const TRANSPARENT = "#ffffff00";

export type { DeliveryWish };

/** What is delivered. */
export interface Delivery {
  /** The file: the very bytes of Codex where nothing had to be done. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The media type of the file. */
  readonly mimeType: ImageMimeType;
  /** Columns of pixels as shown, read back from the file. */
  readonly width: number;
  /** Rows of pixels as shown, read back from the file. */
  readonly height: number;
  /** Columns of pixels as shown that Codex made. */
  readonly nativeWidth: number;
  /** Rows of pixels as shown that Codex made. */
  readonly nativeHeight: number;
  /** Whether the file is not the one of Codex. */
  readonly converted: boolean;
  /** What was done about the size, its scale rounded to 3 decimals; null where Codex made the wanted one, or none was wanted. */
  readonly resize: Resize | null;
  /** Whether at least 0.5 % of the delivered pixels have an alpha below 128. */
  readonly transparent: boolean;
  /** Where the picture is less than what was asked for, in sentences. */
  readonly warnings: readonly string[];
}

/**
 * Makes what was asked for out of the picture that Codex made, and says what was done. A picture that needs nothing is delivered
 * as it is, byte for byte.
 *
 * `cover` scales and crops to the centre, `contain` scales and pads: with transparency where the picture has or should have some and
 * the format can hold it, else with white. Pictures get smaller by Lanczos and larger by bicubic interpolation, which is all that
 * libvips has for it. Parts that can be seen through become white for JPEG and for an opaque background.
 * A converted picture is rotated as its EXIF data asks; its colour profile and metadata stay, its provenance manifest does not.
 *
 * @throws {ImageError} If the picture cannot be decoded, or is too large for the format
 */
export function deliverImage(
  native: Uint8Array<ArrayBuffer>,
  wish: DeliveryWish,
): Promise<Delivery> {
  return doPixelWork(() => deliver(native, wish));
}

async function deliver(
  bytes: Uint8Array<ArrayBuffer>,
  wish: DeliveryWish,
): Promise<Delivery> {
  const native = await examinePicture(bytes);
  const plan = planDelivery(native, wish);
  const file = plan.converts
    ? await convert(bytes, { native, plan, wish })
    : bytes;
  const delivered = plan.converts ? await examinePicture(file) : native;
  return {
    bytes: file,
    mimeType: `image/${delivered.format}`,
    width: delivered.width,
    height: delivered.height,
    nativeWidth: native.width,
    nativeHeight: native.height,
    converted: plan.converts,
    resize: plan.resize && {
      fit: plan.resize.fit,
      scale: Math.round(plan.resize.scale * 1000) / 1000,
    },
    transparent: delivered.alpha !== undefined &&
      isTransparent(delivered.alpha),
    warnings: listWarnings({ wish, native, plan, delivered }),
  };
}

function convert(
  bytes: Uint8Array<ArrayBuffer>,
  job: {
    readonly native: Examined;
    readonly plan: DeliveryPlan;
    readonly wish: DeliveryWish;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const { native, plan, wish } = job;
  const { resize } = plan;
  return withSharp(bytes, async (picture) => {
    picture.autoOrient();
    if (plan.flatten) picture.flatten({ background: WHITE });
    if (resize !== null && resize.fit !== "none") {
      picture.resize({
        ...wish.size,
        fit: resize.fit,
        kernel: "lanczos3",
        background: plan.padding === "white" ? WHITE : TRANSPARENT,
        fastShrinkOnLoad: false,
      });
    }
    const { format, compression } = wish;
    encodePicture(picture, { format, compression, native });
    return new Uint8Array(await picture.toBuffer());
  });
}

import type { Sharp } from "sharp";
import { encodeImage, keepColours, spaceAsPng } from "./encode.ts";
import { enlarge } from "./enlarge.ts";
import type { ImageFormat, ImageMimeType } from "./format.ts";
import {
  type Alpha,
  type ImageHeader,
  isOpaque,
  isTransparent,
  measureAlpha,
  readHeader,
  withImageSlot,
  withSharp,
} from "./pixels.ts";

const WHITE = "#ffffff";
const TRANSPARENT = "#ffffff00";
const MAX_QUIET_SCALE = 2;
const OPAQUE: Alpha = { lowest: 255, transparentShare: 0 };

/** How an image is brought to a size: scale and crop the centre, scale and pad, or leave it. */
export type Fit = "cover" | "contain" | "none";

/** A size in pixels. */
export interface PixelSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What was asked for. */
export interface ConversionRequest {
  /**
   * The exact size of the delivered file, whether the image model can draw it or not; `undefined` leaves it as Codex made it.
   */
  readonly size: PixelSize | undefined;
  /** What to do where Codex made another size. */
  readonly fit: Fit;
  /** The format. */
  readonly format: ImageFormat;
  /** The quality of JPEG and WebP from 0 to 100, the best; 90 when left out. */
  readonly compression: number | undefined;
  /** Whether the image may, must not or should have transparent parts. */
  readonly background: "auto" | "opaque" | "transparent";
  /** The packet of XMP that the file has to hold, if any. */
  readonly xmp?: string;
}

/** What is done to an image whose size is not the wanted one. */
export interface Resize {
  /** How it is done. */
  readonly fit: Fit;
  /** The factor that both edges are scaled by before the crop or the padding; 1 where it is left as it is. */
  readonly scale: number;
  /** How pixels are made out of others; `none` where they stay. */
  readonly method: "lanczos3" | "bicubic" | "none";
}

/** What is delivered. */
export interface Conversion {
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
  /** Where the image is less than what was asked for, in sentences. */
  readonly warnings: readonly string[];
}

/** An image with what can be seen through it. */
interface Measured extends ImageHeader {
  readonly seeThrough: Alpha;
}

/** What has to be done to an image. */
interface Plan {
  readonly resize: Resize | null;
  /** Whether it is put on white and loses its alpha channel, if it has one. */
  readonly flatten: boolean;
  /** What `contain` pads with. */
  readonly padding: string;
  /** Whether anything at all is done. */
  readonly converts: boolean;
}

/** What was asked, made, done and delivered. */
interface Facts {
  readonly request: ConversionRequest;
  readonly native: Measured;
  readonly plan: Plan;
  readonly delivered: Measured;
}

/**
 * Makes what was asked for out of the image that Codex made, and says what was done. An image that needs nothing is delivered
 * as it is, byte for byte.
 *
 * `cover` scales and crops to the centre, `contain` scales and pads: with transparency where the image has or should have some
 * and the format can hold it, else with white. Images get smaller by Lanczos-3 and larger by bicubic interpolation, around
 * their centre. Parts that can be seen through become white for JPEG and for an opaque background. A converted image is rotated
 * as its EXIF data asks; its colour profile and metadata stay, unless others are to be written, its provenance manifest does not.
 *
 * @throws {ImageError} If the image cannot be decoded, or is too large for the format
 */
export function convertImage(
  bytes: Uint8Array<ArrayBuffer>,
  request: ConversionRequest,
): Promise<Conversion> {
  return withImageSlot(async () => {
    const native = await measure(bytes);
    const plan = planConversion(native, request);
    const file = plan.converts
      ? await convert(bytes, { native, plan, request })
      : bytes;
    const delivered = plan.converts ? await measureOwn(file) : native;
    return {
      bytes: file,
      mimeType: `image/${delivered.format}`,
      width: delivered.width,
      height: delivered.height,
      nativeWidth: native.width,
      nativeHeight: native.height,
      converted: plan.converts,
      resize: plan.resize && {
        ...plan.resize,
        scale: Math.round(plan.resize.scale * 1000) / 1000,
      },
      transparent: isTransparent(delivered.seeThrough),
      warnings: listWarnings({ request, native, plan, delivered }),
    };
  });
}

/**
 * Decides what has to be done to an image for it to have a size.
 *
 * @returns Null where nothing has to be done: no size is wanted, or the image has it
 */
export function planResize(
  native: PixelSize,
  request: Pick<ConversionRequest, "size" | "fit">,
): Resize | null {
  const { size, fit } = request;
  if (size === undefined) return null;
  if (size.width === native.width && size.height === native.height) return null;
  if (fit === "none") return { fit, scale: 1, method: "none" };
  const ratios = [size.width / native.width, size.height / native.height];
  const scale = fit === "cover" ? Math.max(...ratios) : Math.min(...ratios);
  const method = scale > 1 ? "bicubic" : scale < 1 ? "lanczos3" : "none";
  return { fit, scale, method };
}

async function measure(bytes: Uint8Array<ArrayBuffer>): Promise<Measured> {
  const header = await readHeader(bytes);
  return { ...header, seeThrough: await measureAlpha(bytes) };
}

/** Measures a file of our own, in which damage need not be looked for. */
async function measureOwn(bytes: Uint8Array<ArrayBuffer>): Promise<Measured> {
  const header = await readHeader(bytes);
  const seeThrough = header.alpha ? await measureAlpha(bytes) : OPAQUE;
  return { ...header, seeThrough };
}

/** Only an image that can be seen through is converted just to be opaque: solid parts with an alpha of 254 are not worth it. */
function planConversion(native: Measured, request: ConversionRequest): Plan {
  const { format, background, compression, xmp } = request;
  const resize = planResize(native, request);
  const solid = format === "jpeg" || background === "opaque";
  const seeThrough = !isOpaque(native.seeThrough);
  const clear = !solid && (seeThrough || background === "transparent");
  return {
    resize,
    flatten: solid,
    padding: clear ? TRANSPARENT : WHITE,
    converts: format !== native.format || xmp !== undefined ||
      (resize !== null && resize.fit !== "none") ||
      (solid && seeThrough) ||
      (format !== "png" && compression !== undefined),
  };
}

async function convert(
  bytes: Uint8Array<ArrayBuffer>,
  { native, plan, request }: Omit<Facts, "delivered">,
): Promise<Uint8Array<ArrayBuffer>> {
  const { format, compression, size, xmp } = request;
  const { resize } = plan;
  const upright = (image: Sharp) => {
    image.autoOrient();
    return plan.flatten ? image.flatten({ background: WHITE }) : image;
  };
  if (size === undefined || resize === null || resize.scale <= 1) {
    return await withSharp(bytes, async (image) => {
      upright(image);
      if (size !== undefined && resize !== null && resize.fit !== "none") {
        image.resize({
          ...size,
          fit: resize.fit,
          kernel: "lanczos3",
          background: plan.padding,
          fastShrinkOnLoad: false,
        });
      }
      encodeImage(image, { format, compression, native, xmp });
      return new Uint8Array(await image.toBuffer());
    });
  }
  const to = { width: size.width, height: size.height };
  if (resize.fit === "contain") {
    to.width = Math.min(to.width, Math.round(native.width * resize.scale) || 1);
    to.height = Math.min(
      to.height,
      Math.round(native.height * resize.scale) || 1,
    );
  }
  const enlarged = await enlarge(bytes, {
    from: native,
    to,
    scale: resize.scale,
    alpha: native.alpha && !plan.flatten,
    prepare: (image) => keepColours(upright(image), { format: "png", native }),
  });
  const left = Math.floor((size.width - to.width) / 2);
  const top = Math.floor((size.height - to.height) / 2);
  return await withSharp(enlarged.bytes, async (image) => {
    image.extract(enlarged.window).extend({
      left,
      top,
      right: size.width - to.width - left,
      bottom: size.height - to.height - top,
      background: plan.padding,
    });
    encodeImage(image, {
      format,
      compression,
      native: { space: spaceAsPng(native), exif: native.exif },
      xmp,
    });
    return new Uint8Array(await image.toBuffer());
  });
}

/** Says, in sentences for the caller, where the delivered image is less than what was asked for. */
function listWarnings(facts: Facts): string[] {
  return [
    warnOfSize(facts),
    warnOfFlattening(facts),
    warnOfBackground(facts),
  ].filter((warning) => warning !== undefined);
}

function warnOfSize({ request, native, plan }: Facts): string | undefined {
  const { resize } = plan;
  if (request.size === undefined || resize === null) return undefined;
  const made = formatSize(native);
  const asked = formatSize(request.size);
  if (resize.fit === "none") {
    return `Asked for ${asked}, delivered ${made} as made, because fit is "none"`;
  }
  if (resize.scale <= MAX_QUIET_SCALE) return undefined;
  const times = Number(resize.scale.toFixed(1));
  return `Scaled up ${times} times: Codex made ${made}, and ${asked} was asked for`;
}

function warnOfFlattening(
  { request, native, plan }: Facts,
): string | undefined {
  if (!plan.flatten || isOpaque(native.seeThrough)) return undefined;
  const reason = request.background === "opaque"
    ? 'background is "opaque"'
    : "JPEG has no transparency";
  return `Put on white: Codex made the picture with transparent parts, and ${reason}`;
}

function warnOfBackground(
  { request, native, delivered }: Facts,
): string | undefined {
  if (request.background !== "transparent") return undefined;
  if (!isTransparent(delivered.seeThrough)) {
    return "Asked for a transparent background, and the delivered picture has none";
  }
  if (!isTransparent(native.seeThrough)) {
    return "Asked for a transparent background, and only the padding is transparent";
  }
  return undefined;
}

function formatSize({ width, height }: PixelSize): string {
  return `${width}x${height}`;
}

import type { ColourspaceEnum } from "sharp";
import { type Alpha, measureAlpha } from "./alpha.ts";
import { ImageError } from "./info.ts";
import { withSharp } from "./pixel_work.ts";

/** The formats that pictures come in and are delivered in. */
export type PictureFormat = "png" | "jpeg" | "webp";

/** What is found out about a picture by decoding it. */
export interface Examined {
  /** The format, told by the bytes. */
  readonly format: PictureFormat;
  /** Columns of pixels as shown, after any rotation that EXIF asks for. */
  readonly width: number;
  /** Rows of pixels as shown, after any rotation that EXIF asks for. */
  readonly height: number;
  /** What its numbers mean, the alpha channel left aside. */
  readonly space: keyof ColourspaceEnum;
  /** Whether it has EXIF data. */
  readonly exif: boolean;
  /** What can be seen through it; undefined where the file has neither an alpha channel nor a transparent colour. */
  readonly alpha: Alpha | undefined;
}

/**
 * Examines a PNG, JPEG or WebP picture. All its pixels are decoded, so that damaged data is found out.
 *
 * @throws {ImageError} If it cannot be decoded, or the format is another one
 */
export async function examinePicture(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Examined> {
  const { format, autoOrient, space, exif, hasAlpha } = await withSharp(
    bytes,
    (picture) => picture.metadata(),
  );
  if (format !== "png" && format !== "jpeg" && format !== "webp") {
    throw new ImageError(`is not a PNG, JPEG or WebP file (it is "${format}")`);
  }
  const alpha = await measureAlpha(bytes);
  return {
    format,
    width: autoOrient.width,
    height: autoOrient.height,
    space,
    exif: exif !== undefined,
    alpha: hasAlpha ? alpha : undefined,
  };
}

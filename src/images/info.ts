/** The media types of the images that this service handles. */
export type ImageMimeType = "image/png" | "image/jpeg" | "image/webp";

/** What the structure of an image file says about the image. */
export interface ImageInfo {
  /** The format, told by the bytes alone. */
  readonly format: "png" | "jpeg" | "webp";
  /** The media type of the format. */
  readonly mimeType: ImageMimeType;
  /** Columns of pixels as stored, before any rotation that EXIF asks for. */
  readonly width: number;
  /** Rows of pixels as stored, before any rotation that EXIF asks for. */
  readonly height: number;
  /** Whether the file can hold transparent pixels. */
  readonly alpha: boolean;
  /** Whether the file is an animation. */
  readonly animated: boolean;
}

/**
 * The error for a file that is not a whole image of a known format.
 *
 * Its message completes a sentence whose subject is the file: `is truncated: the IEND chunk is missing`.
 */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/**
 * Refuses dimensions without pixels and dimensions with too many.
 *
 * @throws {ImageError} If an edge is 0, or there are more than `maxPixels` pixels
 */
export function checkPixels(
  size: { readonly width: number; readonly height: number },
  maxPixels: number,
): void {
  const { width, height } = size;
  if (width === 0 || height === 0) {
    throw new ImageError(
      `declares ${width}x${height} pixels, which is no image`,
    );
  }
  if (width * height > maxPixels) {
    throw new ImageError(
      `declares ${width}x${height} pixels, more than the ${maxPixels} allowed`,
    );
  }
}

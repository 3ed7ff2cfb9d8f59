import type { ColourspaceEnum, Sharp } from "sharp";
import type { ImageFormat } from "./format.ts";
import type { ImageHeader } from "./pixels.ts";

/** The quality where the request leaves it open: hard to tell from OpenAI's default of 100, at a third of its size. */
const DEFAULT_QUALITY = 90;

/** From here on JPEG stores colours as finely as brightness. */
const FULL_COLOUR_QUALITY = 90;

type Space = keyof ColourspaceEnum;

/** The colour spaces that a format can hold, or has a coarser one for; any other becomes sRGB. */
const SPACES: Readonly<
  Record<ImageFormat, Readonly<Partial<Record<Space, Space>>>>
> = {
  png: { srgb: "srgb", rgb16: "rgb16", "b-w": "b-w", grey16: "grey16" },
  jpeg: { srgb: "srgb", rgb16: "srgb", "b-w": "b-w", grey16: "b-w" },
  webp: { srgb: "srgb", rgb16: "srgb" },
};

/** How an image is written. */
export interface EncodeOptions {
  /** The format to write. */
  readonly format: ImageFormat;
  /** The quality of JPEG and WebP from 0 to 100, the best, 90 when left out; PNG loses nothing. */
  readonly compression: number | undefined;
  /** The image before its conversion. */
  readonly native: Pick<ImageHeader, "space" | "exif">;
  /** A packet of XMP to write in the place of any that is there. */
  readonly xmp?: string;
}

/**
 * Sets in which colours an image is written. Its colour profile stays and its colours are not converted, wide gamuts included,
 * unless the format cannot hold them (CMYK, grey in WebP): these become sRGB. EXIF and XMP data stay.
 */
export function keepColours(
  image: Sharp,
  { format, native }: Pick<EncodeOptions, "format" | "native">,
): Sharp {
  image.keepIccProfile().keepXmp();
  // Where there is no EXIF data, sharp would make some up: 25.4 pixels per inch, uncalibrated colours.
  if (native.exif) image.keepMetadata();
  const space = SPACES[format][native.space];
  return space === undefined
    ? image.withIccProfile("srgb")
    : image.toColourspace(space);
}

/** Sets how an image is written, its colours as {@linkcode keepColours} says. */
export function encodeImage(image: Sharp, options: EncodeOptions): Sharp {
  const { format, compression, xmp } = options;
  keepColours(image, options);
  if (xmp !== undefined) image.withXmp(xmp);
  const quality = Math.max(1, compression ?? DEFAULT_QUALITY);
  switch (format) {
    case "png":
      // Measured on photos of 3840x2160: the filters more than halve the file; level 6 takes twice the time to save 5 %.
      return image.png({ compressionLevel: 4, adaptiveFiltering: true });
    case "jpeg":
      return image.jpeg({
        quality,
        mozjpeg: true,
        chromaSubsampling: quality >= FULL_COLOUR_QUALITY ? "4:4:4" : "4:2:0",
      });
    case "webp":
      return image.webp({ quality, alphaQuality: 100, effort: 4 });
  }
}

/** Names the colour space that an image has once it is a PNG. */
export function spaceAsPng({ space }: Pick<ImageHeader, "space">): Space {
  return SPACES.png[space] ?? "srgb";
}

/** The one image model. */
export const MODEL = "gpt-image-2" as const;

/** The most images of one request. */
export const MAX_IMAGES = 4;

/** The qualities of an image. */
export const QUALITIES = ["auto", "high", "medium", "low"] as const;

/** The quality of an image; `auto` leaves it to the model. */
export type Quality = typeof QUALITIES[number];

/** The formats of a delivered image. */
export const OUTPUT_FORMATS = ["png", "jpeg", "webp"] as const;

/** The format of a delivered image. */
export type OutputFormat = typeof OUTPUT_FORMATS[number];

/** The kinds of background. */
export const BACKGROUNDS = ["auto", "opaque", "transparent"] as const;

/** The kind of background; `auto` leaves it to the model. */
export type Background = typeof BACKGROUNDS[number];

/** The ways to bring an image to the wanted size. */
export const FITS = ["cover", "contain", "none"] as const;

/** The way to bring an image to the wanted size: fill it and crop, fit inside and pad, or leave the image as it is. */
export type Fit = typeof FITS[number];

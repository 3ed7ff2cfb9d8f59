import sharp from "sharp";
import { Failure } from "../failure.ts";
import type { Reference } from "./references.ts";

/** What the image model is told of a mask, which it gets as its second file. */
export const MASK_LINE =
  "The second image is a mask of the first and no part of the picture: change the first image only where the mask is transparent, and leave everything else of it as it is, in place, shape and colour.";

/**
 * Makes sure that the second reference can be a mask of the first: a PNG with an alpha channel, and of the same size.
 *
 * @throws {Failure} `invalid_reference` that names the mask.
 */
export async function checkMask(
  [image, mask]: readonly Reference[],
): Promise<void> {
  const { format, hasAlpha } = await sharp(mask.path).metadata();
  if (format !== "png") throw refuse(`it is a ${format} image`);
  if (!hasAlpha) throw refuse("it has no alpha channel");
  if (mask.width === image.width && mask.height === image.height) return;
  throw refuse(
    `it has ${mask.width}x${mask.height} pixels and the first image ${image.width}x${image.height}`,
  );
}

function refuse(state: string): Failure {
  return new Failure(
    "invalid_reference",
    `Cannot use mask: ${state}; expected a PNG image with an alpha channel and the size of the first image`,
    { param: "mask" },
  );
}

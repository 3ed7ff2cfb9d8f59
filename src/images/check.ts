import { ImageError, inspectImage } from "./inspect.ts";
import { fileSource } from "./source.ts";

/**
 * Says what is wrong with an image file, which somebody else may still be writing.
 *
 * @returns Undefined for a whole image, else a phrase such as `is truncated`.
 */
export async function checkPicture(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  try {
    await inspectImage(fileSource(file, (await file.stat()).size));
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}

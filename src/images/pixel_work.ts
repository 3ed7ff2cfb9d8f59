import sharp, { type Sharp } from "sharp";
import { ImageError } from "./info.ts";
import { Turns } from "./turns.ts";

const MAX_AT_ONCE = 2;
const MAX_PIXELS = 100_000_000;

const turns = new Turns(MAX_AT_ONCE);

// A picture is opened a few times and never again, so a cache of operations would only hold memory; and two pictures at a
// time with one thread each leave a small machine room for other requests.
sharp.cache(false);
sharp.concurrency(1);

/**
 * Runs work on pixels when it is its turn: at most two pieces of such work run at once in the whole process.
 *
 * @throws What the work throws
 */
export function doPixelWork<T>(work: () => Promise<T>): Promise<T> {
  return turns.run(work);
}

/**
 * Lets sharp do one thing with a picture of at most 100 million pixels. No decoder error is passed over.
 *
 * @throws {ImageError} If sharp fails
 */
export async function withSharp<T>(
  bytes: Uint8Array<ArrayBuffer>,
  use: (picture: Sharp) => Promise<T>,
): Promise<T> {
  try {
    return await use(
      sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS }),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Further lines only tell what that made fail in turn.
    const [reason] = error.message.trim().split("\n");
    throw new ImageError(`cannot be decoded or converted (${reason})`, {
      cause: error,
    });
  }
}

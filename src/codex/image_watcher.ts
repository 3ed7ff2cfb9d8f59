import { delay } from "@std/async/delay";
import { join } from "@std/path";

/**
 * How often to look, in milliseconds. The directory is not watched: `Deno.watchFs` opens what appears, and where that is a
 * pipe, it waits for ever, and with it the next call of it and the whole process.
 */
const POLL_MS = 20;

/**
 * Says what is wrong with a file as a picture.
 *
 * @returns Undefined for a whole picture, else a phrase such as `is truncated`.
 */
export type ImageCheck = (path: string) => Promise<string | undefined>;

/**
 * Waits for a whole picture in a directory.
 *
 * The CLI writes the file in place, so one that is there need not be finished.
 *
 * @param directory The directory of one thread, which is made if it is missing.
 * @returns The path of the picture.
 * @throws The signal's reason.
 */
export async function watchForImage(
  directory: string,
  check: ImageCheck,
  signal: AbortSignal,
): Promise<string> {
  await Deno.mkdir(directory, { recursive: true });
  while (true) {
    const { whole } = await findImage(directory, check);
    if (whole !== undefined) return whole;
    await delay(POLL_MS, { signal });
  }
}

/**
 * Looks once at the files of a directory.
 *
 * @returns The path of a whole picture, or what is wrong with the file that is there.
 */
export async function findImage(
  directory: string,
  check: ImageCheck,
): Promise<{ readonly whole?: string; readonly wrong?: string }> {
  let wrong: string | undefined;
  for (const path of await filesOf(directory)) {
    try {
      wrong = await check(path);
      if (wrong === undefined) return { whole: path };
    } catch (error) {
      // Renamed since the look at the directory.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return { wrong };
}

async function filesOf(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.filter((entry) => entry.isFile)
      .map((entry) => join(directory, entry.name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

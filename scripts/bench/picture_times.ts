import { join } from "@std/path";

/** Tells when pictures were written. */
export interface PictureTimes extends Disposable {
  /** When the last picture was whole, in milliseconds since 1970; 0 before the first. */
  last(): number;
}

/**
 * Watches for pictures of the CLI, each in a directory below this one.
 *
 * @param directory The CLI's `generated_images`, which is made if it is missing.
 */
export async function watchPictures(directory: string): Promise<PictureTimes> {
  await Deno.mkdir(directory, { recursive: true });
  const watcher = Deno.watchFs(directory, { recursive: true });
  let last = 0;
  const look = (path: string) => {
    if (path.endsWith(".png")) last = Math.max(last, timeOf(path));
  };
  (async () => {
    for await (const { paths } of watcher) paths.forEach(look);
  })();
  return {
    last: () => {
      // What is written at once into a new directory is not told of, but stays where no server takes it.
      for (const path of entriesOf(directory)) entriesOf(path).forEach(look);
      return last;
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}

function entriesOf(directory: string): string[] {
  try {
    return Array.from(
      Deno.readDirSync(directory),
      ({ name }) => join(directory, name),
    );
  } catch (error) {
    return unlessGone(error, []);
  }
}

function timeOf(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    return unlessGone(error, 0);
  }
}

// The server removes what it has taken.
function unlessGone<T>(error: unknown, otherwise: T): T {
  if (error instanceof Deno.errors.NotFound) return otherwise;
  throw error;
}

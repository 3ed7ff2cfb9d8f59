/** Tells when pictures were written. */
export interface PictureTimes extends Disposable {
  /** When the last picture was whole, in milliseconds since 1970; 0 before the first. */
  readonly last: number;
}

/**
 * Watches for pictures of the CLI.
 *
 * @param directory The CLI's `generated_images`, which is made if it is missing.
 */
export async function watchPictures(directory: string): Promise<PictureTimes> {
  await Deno.mkdir(directory, { recursive: true });
  const watcher = Deno.watchFs(directory, { recursive: true });
  let last = 0;
  (async () => {
    for await (const { paths } of watcher) {
      for (const path of paths.filter((path) => path.endsWith(".png"))) {
        last = Math.max(last, timeOf(path));
      }
    }
  })();
  return {
    get last() {
      return last;
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}

function timeOf(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    // The server has taken it and removed it.
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

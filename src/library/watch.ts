import { basename } from "@std/path";
import { imageIdOf } from "../images/names.ts";

/** What {@linkcode watchImages} does and until when. */
export interface WatchOptions {
  /** Called with the id of an image of which a file came, changed or went; one call at a time. */
  readonly onChange: (id: string) => Promise<void>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Watches the files of images in a folder, whoever touches them, until the signal is aborted.
 *
 * Not every file system tells of every change, so that this can only make things sooner known.
 */
export async function watchImages(
  directory: string,
  { onChange, signal }: WatchOptions,
): Promise<void> {
  const watcher = Deno.watchFs(directory, { recursive: false });
  const close = () => watcher.close();
  signal.addEventListener("abort", close, { once: true });
  for await (const { paths } of watcher) {
    for (const path of paths) {
      const id = imageIdOf(basename(path));
      if (id !== undefined && !signal.aborted) await onChange(id);
    }
  }
}

import { delay } from "@std/async/delay";
import { join } from "@std/path";

/** How often to look where the system tells of no changes, in milliseconds. */
const POLL_MS = 50;

/**
 * Says what is wrong with a file as a picture.
 *
 * @returns Undefined for a whole picture, else a phrase such as `is truncated`.
 */
export type ImageCheck = (path: string) => Promise<string | undefined>;

/** Tells when something at a path changes. */
export interface Changes extends Disposable {
  /** Resolves at the next change. */
  next(): Promise<void>;
}

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
  using changes = watchChanges(directory);
  while (true) {
    // Asked for before the look, so that no change during the look is missed.
    const change = changes.next();
    const { whole } = await findImage(directory, check);
    if (whole !== undefined) return whole;
    await waitForChange(change, POLL_MS, signal);
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

/**
 * Watches a file, or the files of a directory.
 *
 * Where the system cannot, no change is ever told.
 */
export function watchChanges(path: string): Changes {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(path, { recursive: false });
  } catch {
    // The system's limit on watches is often used up by editors: polling does, only slower.
    return { next: () => new Promise(() => {}), [Symbol.dispose]: () => {} };
  }
  let change = Promise.withResolvers<void>();
  (async () => {
    for await (const { kind } of watcher) {
      // Our own reading is an "access".
      if (kind !== "create" && kind !== "modify") continue;
      change.resolve();
      change = Promise.withResolvers();
    }
  })();
  return {
    next: () => change.promise,
    [Symbol.dispose]: () => watcher.close(),
  };
}

/**
 * Waits for a change, or for as long as it may go unnoticed.
 *
 * @param ms How long, in milliseconds.
 * @throws The signal's reason.
 */
export async function waitForChange(
  change: Promise<void>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const waited = new AbortController();
  const pause = AbortSignal.any([signal, waited.signal]);
  await Promise.race([change, delay(ms, { signal: pause })]);
  waited.abort();
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

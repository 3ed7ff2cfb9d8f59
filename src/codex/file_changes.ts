import { delay } from "@std/async/delay";

/** Tells when something at a path changes. */
export interface Changes extends Disposable {
  /** Resolves at the next change. */
  next(): Promise<void>;
}

/**
 * Watches a file; where the system cannot, no change is ever told.
 *
 * @param path No directory, where a pipe may appear: `Deno.watchFs` would wait for ever to open it.
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

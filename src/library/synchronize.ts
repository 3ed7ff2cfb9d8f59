import { delay } from "@std/async/delay";
import type { ImageStore } from "../images/store.ts";
import { findAll } from "./find_all.ts";
import type { ImageIndex } from "./image_index.ts";

/** How many images come into the index in one transaction. */
const ADDED_AT_ONCE = 64;
/** How many images are read from the index at once. */
const LISTED_AT_ONCE = 1_000;

/** What {@linkcode synchronize} works on. */
export interface SynchronizeOptions {
  readonly index: ImageIndex;
  /** Called after an image that is gone was taken out of the index. */
  readonly onGone: (id: string) => Promise<void>;
  /** Ends the work early. */
  readonly signal: AbortSignal;
  readonly store: ImageStore;
}

/** What {@linkcode synchronize} did. */
export interface Synchronized {
  /** How many images came into the index. */
  readonly added: number;
  /** How many images of the index were gone. */
  readonly removed: number;
}

/**
 * Makes an index list what is in the folder: what was copied there comes in, what was deleted there goes. Images may be
 * saved and removed meanwhile.
 *
 * @throws The signal's reason
 */
export async function synchronize(
  options: SynchronizeOptions,
): Promise<Synchronized> {
  const { index, onGone, signal, store } = options;
  const unlisted = await store.ids();
  const missing: string[] = [];
  for await (const id of listedIds(options)) {
    if (!unlisted.delete(id)) missing.push(id);
  }
  let added = 0;
  for (const ids of inGroups([...unlisted])) {
    signal.throwIfAborted();
    const images = await findAll(store, ids);
    added += index.add(images.flatMap((image) => image?.sidecar ?? []));
  }
  let removed = 0;
  for (const ids of inGroups(missing)) {
    signal.throwIfAborted();
    // What was saved since the look into the folder is there.
    const images = await findAll(store, ids);
    for (const id of ids.filter((_, i) => images[i] === undefined)) {
      index.remove(id);
      await onGone(id);
      removed++;
    }
  }
  return { added, removed };
}

/** Walks through an index and lets other work in between. */
async function* listedIds(
  { index, signal }: SynchronizeOptions,
): AsyncGenerator<string> {
  let before: number | undefined;
  do {
    await delay(0, { signal });
    const images = index.list({ limit: LISTED_AT_ONCE, before });
    yield* images.map(({ id }) => id);
    before = images.at(-1)?.place;
  } while (before !== undefined);
}

function* inGroups(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += ADDED_AT_ONCE) {
    yield ids.slice(start, start + ADDED_AT_ONCE);
  }
}

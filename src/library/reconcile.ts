import { delay } from "@std/async/delay";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { ImageIndex } from "./index.ts";

/** How many images come into the index in one transaction. */
const ADDED_AT_ONCE = 64;
/** How many images are read from the index at once. */
const LISTED_AT_ONCE = 1_000;
/** How many images are read at once: more do not make it faster, and every one needs an open file. */
const READ_AT_ONCE = 8;

/** What {@linkcode reconcile} works on. */
export interface ReconcileOptions {
  readonly index: ImageIndex;
  /** Called after an image that is gone was taken out of the index. */
  readonly onGone: (id: string) => Promise<void>;
  /** Ends the work early. */
  readonly signal: AbortSignal;
  readonly store: ImageStore;
}

/** What {@linkcode reconcile} did. */
export interface Reconciled {
  /** How many images came into the index. */
  readonly added: number;
  /** How many images of the index were gone. */
  readonly removed: number;
  /** The ids of sidecars that were passed over, because they or their images cannot be used. */
  readonly unusable: readonly string[];
}

/** Finds images in the order of their ids; nothing in the place of one that is not there, or not whole. */
export async function readAll(
  store: ImageStore,
  ids: readonly string[],
): Promise<(StoredImage | undefined)[]> {
  const images: (StoredImage | undefined)[] = [];
  for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
    const group = ids.slice(start, start + READ_AT_ONCE);
    images.push(...await Promise.all(group.map((id) => store.find(id))));
  }
  return images;
}

/**
 * Makes an index list what is in the folder: what was copied there comes in, what was deleted there goes. Images may be
 * saved and removed meanwhile. Nothing is taken out of the index while the folder is away.
 *
 * @throws The signal's reason
 */
export async function reconcile(
  options: ReconcileOptions,
): Promise<Reconciled> {
  const { index, onGone, signal, store } = options;
  const unlisted = await store.ids();
  const missing: string[] = [];
  for await (const id of listedIds(options)) {
    if (!unlisted.delete(id)) missing.push(id);
  }
  let added = 0;
  const unusable: string[] = [];
  for (const ids of inGroups([...unlisted])) {
    signal.throwIfAborted();
    const images = await readAll(store, ids);
    added += index.add(images.flatMap((image) => image?.sidecar ?? []));
    unusable.push(...ids.filter((_, i) => images[i] === undefined));
  }
  let removed = 0;
  for (const ids of inGroups(missing)) {
    signal.throwIfAborted();
    // What was saved since the look into the folder is there.
    const images = await readAll(store, ids);
    if (!await store.folder.isPresent()) break;
    for (const id of ids.filter((_, i) => images[i] === undefined)) {
      index.remove(id);
      await onGone(id);
      removed++;
    }
  }
  return { added, removed, unusable };
}

/** Walks through an index and lets other work in between. */
async function* listedIds(
  { index, signal }: ReconcileOptions,
): AsyncGenerator<string> {
  let before: number | undefined;
  do {
    await delay(0, { signal });
    const images = index.list({ limit: LISTED_AT_ONCE, before });
    yield* images.map(({ id }) => id);
    before = images.at(-1)?.sortKey;
  } while (before !== undefined);
}

function* inGroups(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += ADDED_AT_ONCE) {
    yield ids.slice(start, start + ADDED_AT_ONCE);
  }
}

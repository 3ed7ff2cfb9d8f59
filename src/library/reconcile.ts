import { delay } from "@std/async/delay";
import type { ImageStore } from "../images/store.ts";
import type { ImageIndex } from "./index.ts";
import { readAll, timeOf } from "./library.ts";

/** Work that goes on beside requests, until it is disposed of. */
export class TaskRunner implements AsyncDisposable {
  readonly #closing = new AbortController();
  readonly #onError: (error: unknown) => void;
  readonly #work = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  /** @param onError Called with what a task throws, except at the end. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Aborted when all work has to end. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Runs a task at once; resolves when it is over, whether it failed or not. */
  run(task: () => Promise<void>): Promise<void> {
    const work = task().catch((error) => {
      if (!this.signal.aborted) this.#onError(error);
    });
    this.#work.add(work);
    return work.finally(() => this.#work.delete(work));
  }

  /** Runs a task after all that were called with this method before. */
  runNext(task: () => Promise<void>): Promise<void> {
    const last = this.#last;
    this.#last = this.run(() => last.then(task));
    return this.#last;
  }

  /** Calls a function again and again. */
  every(milliseconds: number, call: () => void): void {
    const timer = setInterval(call, milliseconds);
    this.signal.addEventListener("abort", () => clearInterval(timer), {
      once: true,
    });
  }

  /** Ends all work. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#work);
  }
}

const DAY_MS = 86_400_000;
/** How long an image is kept whatever the limits are, in milliseconds: it may still be on its way to who asked for it. */
const YOUNG_MS = 600_000;

/** How much is kept; a limit that is undefined does not hold. */
export interface RetentionLimits {
  /** For how many days an image is kept after it was made. */
  readonly retentionDays: number | undefined;
  /** How many images are kept. */
  readonly retentionMaxCount: number | undefined;
  /** How many bytes of images are kept, originals included. */
  readonly retentionMaxBytes: number | undefined;
}

/** What {@linkcode applyRetention} works with. */
export interface ApplyRetentionOptions {
  readonly index: ImageIndex;
  readonly limits: RetentionLimits;
  /** Removes an image from store and index, and tells whether it was in the store. */
  readonly remove: (id: string) => Promise<boolean>;
  /** Ends the work early. */
  readonly signal: AbortSignal;
  readonly store: ImageStore;
}

/** What {@linkcode applyRetention} removed. */
export interface Removed {
  readonly images: number;
  /** The length of their files. */
  readonly bytes: number;
}

/** Tells whether the oldest image of an index has to go. */
export function isOldestTooMuch(
  index: ImageIndex,
  limits: RetentionLimits,
): boolean {
  const {
    retentionDays: days = Infinity,
    retentionMaxCount: count = Infinity,
    retentionMaxBytes: bytes = Infinity,
  } = limits;
  const { totals } = index;
  const tooMany = totals.images > count || totals.bytes > bytes;
  if (!tooMany && days === Infinity) return false;
  const oldest = index.oldest();
  const mayBe = tooMany ? YOUNG_MS : Math.max(YOUNG_MS, days * DAY_MS);
  return oldest !== undefined && timeOf(oldest.sortKey) < Date.now() - mayBe;
}

/** Removes images, the oldest first, until no limit is exceeded. What is not whole is left alone and no longer listed. */
export async function applyRetention(
  options: ApplyRetentionOptions,
): Promise<Removed> {
  const { index, limits, remove, signal, store } = options;
  let images = 0;
  let bytes = 0;
  while (!signal.aborted && isOldestTooMuch(index, limits)) {
    const oldest = index.oldest();
    if (oldest === undefined) break;
    if (await store.find(oldest.id) === undefined) {
      index.remove(oldest.id);
    } else if (await remove(oldest.id)) {
      images += 1;
      bytes += oldest.bytes;
    }
  }
  return { images, bytes };
}

/** How many images come into the index in one transaction. */
const ADDED_AT_ONCE = 64;
/** How many images are read from the index at once. */
const LISTED_AT_ONCE = 1_000;

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
}

/**
 * Makes an index list what is in the folder: what was copied there comes in, what was deleted there goes. Images may be
 * saved and removed meanwhile.
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
  for (const ids of inGroups([...unlisted])) {
    signal.throwIfAborted();
    const images = await readAll(store, ids);
    added += index.add(images.flatMap((image) => image?.sidecar ?? []));
  }
  let removed = 0;
  for (const ids of inGroups(missing)) {
    signal.throwIfAborted();
    // What was saved since the look into the folder is there.
    const images = await readAll(store, ids);
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

import type { ImageStore } from "../images/store.ts";
import type { ImageIndex } from "./image_index.ts";
import { timeOf } from "./place.ts";

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

/** What {@linkcode retain} works with. */
export interface RetainOptions {
  readonly index: ImageIndex;
  readonly limits: RetentionLimits;
  /** Removes an image from store and index, and tells whether it was in the store. */
  readonly remove: (id: string) => Promise<boolean>;
  /** Ends the work early. */
  readonly signal: AbortSignal;
  readonly store: ImageStore;
}

/** What {@linkcode retain} removed. */
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
  return oldest !== undefined && timeOf(oldest.place) < Date.now() - mayBe;
}

/** Removes images, the oldest first, until no limit is exceeded. What is not whole is left alone and no longer listed. */
export async function retain(options: RetainOptions): Promise<Removed> {
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

import type { ImageStore } from "../images/store.ts";
import { type ImageIndex, timeOf } from "./index.ts";

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
  /** Tells the time, in milliseconds since 1970. */
  readonly now: () => number;
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

/** A reading of both clocks, in milliseconds. */
interface Reading {
  readonly time: number;
  readonly uptime: number;
}

/**
 * A clock that does not follow a leap into the future at once, which would make all images too old: somebody may have set
 * the system's clock wrong for a while.
 */
export class CautiousClock {
  readonly #read: () => Reading;
  #trusted: Reading;
  #next: Reading;

  /** @param read Reads the system's clock and one that goes on evenly. */
  constructor(
    read: () => Reading = () => ({
      time: Date.now(),
      uptime: performance.now(),
    }),
  ) {
    this.#read = read;
    this.#trusted = this.#next = read();
  }

  /** Tells the time, in milliseconds since 1970: never later than the system's clock does. */
  now(): number {
    const { time, uptime } = this.#read();
    return Math.min(time, this.#trusted.time + uptime - this.#trusted.uptime);
  }

  /** Trusts what the system's clock told when this was called last. */
  confirm(): void {
    this.#trusted = this.#next;
    this.#next = this.#read();
  }
}

/**
 * Tells whether the oldest image of an index has to go.
 *
 * @param options `now`: the time, in milliseconds since 1970
 */
export function isOldestTooMuch(
  index: ImageIndex,
  { limits, now }: {
    readonly limits: RetentionLimits;
    readonly now: number;
  },
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
  return oldest !== undefined && timeOf(oldest.sortKey) < now - mayBe;
}

/**
 * Removes images, the oldest first, until no limit is exceeded. What is not whole is left alone and no longer listed, and
 * nothing happens while the folder is away.
 */
export async function applyRetention(
  options: ApplyRetentionOptions,
): Promise<Removed> {
  const { index, limits, now, remove, signal, store } = options;
  let images = 0;
  let bytes = 0;
  while (!signal.aborted && isOldestTooMuch(index, { limits, now: now() })) {
    const oldest = index.oldest();
    if (oldest === undefined) break;
    const isWhole = await store.find(oldest.id) !== undefined;
    if (!await store.folder.isPresent()) break;
    if (!isWhole) {
      index.remove(oldest.id);
    } else if (await remove(oldest.id)) {
      images += 1;
      bytes += oldest.bytes;
    }
  }
  return { images, bytes };
}

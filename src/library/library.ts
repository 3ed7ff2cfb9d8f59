import { basename, join } from "@std/path";
import { imageIdOf } from "../images/sidecar.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { Log } from "../log.ts";
import { startStopwatch } from "../util.ts";
import { ImageIndex, type IndexQuery, type IndexTotals } from "./index.ts";
import {
  applyRetention,
  isOldestTooMuch,
  reconcile,
  type RetentionLimits,
  TaskRunner,
} from "./reconcile.ts";
import { Thumbnails } from "./thumbnails.ts";

/** How many images of one millisecond have places of that millisecond; further ones get those of the next. */
const PER_MILLISECOND = 1024;
/** The last millisecond whose places are exact numbers: in the year 2248. */
const LAST_MILLISECOND = 2 ** 43 - 1;
const TEXT = /^([0-9a-z]{1,11})-([0-9a-z]{2})$/;
/** What places are divided by for the digits at the end of a cursor: a prime that two of them hold. */
const CHECK = 1_291;

/**
 * The first place of a time. A place is a whole number that an image keeps as long as it is listed: later images have higher
 * ones, so that one number is the order, the key and where a page ends.
 *
 * @param createdAt As a sidecar has it: an ISO 8601 date
 */
export function firstSortKey(createdAt: string): number {
  const time = Math.floor(Date.parse(createdAt));
  return Math.min(Math.max(time, 0), LAST_MILLISECOND) * PER_MILLISECOND;
}

/** The first place of the following millisecond. */
export function nextFirstSortKey(sortKey: number): number {
  return (Math.floor(sortKey / PER_MILLISECOND) + 1) * PER_MILLISECOND;
}

/** Tells the time of a place, in milliseconds since 1970. */
export function timeOf(sortKey: number): number {
  return Math.floor(sortKey / PER_MILLISECOND);
}

/** Writes a place as a cursor for callers, with two digits at its end by which a damaged one is known. */
export function formatCursor(sortKey: number): string {
  const check = (sortKey % CHECK).toString(36).padStart(2, "0");
  return `${sortKey.toString(36)}-${check}`;
}

/** Reads a cursor; nothing if it is not one. */
export function parseCursor(text: string): number | undefined {
  const [, digits = ""] = TEXT.exec(text) ?? [];
  const sortKey = Number.parseInt(digits, 36);
  const isOne = Number.isSafeInteger(sortKey) && formatCursor(sortKey) === text;
  return isOne ? sortKey : undefined;
}

/** How many images are read at once: more do not make it faster, and every one needs an open file. */
const AT_ONCE = 8;

/** Finds images in the order of their ids; nothing in the place of one that is not there, or not whole. */
export async function readAll(
  store: ImageStore,
  ids: readonly string[],
): Promise<(StoredImage | undefined)[]> {
  const images: (StoredImage | undefined)[] = [];
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const group = ids.slice(start, start + AT_ONCE);
    images.push(...await Promise.all(group.map((id) => store.find(id))));
  }
  return images;
}

/** A part of a list of images. */
export interface Page {
  readonly images: readonly StoredImage[];
  /** Before which place the list goes on; nothing at its end. */
  readonly next: number | undefined;
}

/** What {@linkcode readPage} reads from. */
export interface PageSources {
  readonly index: ImageIndex;
  /** Called for an image that the index lists and that is not in the store. */
  readonly onGone: (id: string) => Promise<void>;
  readonly store: ImageStore;
}

/** Reads the images that an index lists from the store, as many as are asked for even if some are gone. */
export async function readPage(
  query: IndexQuery,
  { index, onGone, store }: PageSources,
): Promise<Page> {
  const found: { readonly image: StoredImage; readonly sortKey: number }[] = [];
  let { before } = query;
  while (true) {
    // One more than asked for tells whether there are more.
    const limit = query.limit + 1 - found.length;
    const listed = index.list({ ...query, before, limit });
    const images = await readAll(store, listed.map(({ id }) => id));
    for (const [i, { id, sortKey }] of listed.entries()) {
      const image = images[i];
      if (image === undefined) await onGone(id);
      else found.push({ image, sortKey });
    }
    before = listed.at(-1)?.sortKey;
    if (listed.length < limit || found.length > query.limit) break;
  }
  const shown = found.slice(0, query.limit);
  const next = found.length > shown.length ? shown.at(-1)?.sortKey : undefined;
  return { images: shown.map(({ image }) => image), next };
}

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

const TIDY_INTERVAL_MS = 3_600_000;
/** How often to look for images that exceed a limit and were too young to go when they came. */
const RETAIN_INTERVAL_MS = 300_000;

/** The settings of {@linkcode Library.open}. */
export interface LibraryOptions extends RetentionLimits {
  /** Where the index and the thumbnails are kept. */
  readonly dataDir: string;
  readonly log: Log;
  readonly store: ImageStore;
  /** Whether images can be found by the words of their prompts. */
  readonly storePrompts: boolean;
}

/**
 * The images of a store in the order in which they were made, and their thumbnails.
 *
 * The store is the truth: an index tells what to look for, and what is not in the store does not show up. The library keeps
 * its index in line with the store, and removes images that exceed the limits.
 */
export class Library implements AsyncDisposable {
  /** The small pictures. */
  readonly thumbnails: Thumbnails;
  readonly #options: LibraryOptions;
  readonly #index: ImageIndex;
  readonly #background = new TaskRunner((error) => this.#warn(error));
  #indexing = true;

  private constructor(options: LibraryOptions, thumbnails: Thumbnails) {
    const { dataDir, store, storePrompts } = options;
    this.#options = options;
    this.thumbnails = thumbnails;
    this.#index = new ImageIndex({
      path: join(dataDir, "library.sqlite"),
      storePrompts,
      onDamage: () => this.#startAfresh(),
    });
    store.onSaved((image) => this.#add(image));
    this.#background.run(() => this.#watch());
    this.#background.every(TIDY_INTERVAL_MS, () => this.reconcile());
    this.#background.every(RETAIN_INTERVAL_MS, () => this.#retainNext());
    this.reconcile();
  }

  /** Opens a library; what it does not know yet of the store it reads in the background. */
  static async open(options: LibraryOptions): Promise<Library> {
    const { dataDir, store } = options;
    const directory = join(dataDir, "thumbnails");
    return new Library(options, await Thumbnails.open({ directory, store }));
  }

  /** Whether images may be missing from lists because the library does not know all of the store yet. */
  get indexing(): boolean {
    return this.#indexing;
  }

  /** How many images there are, and their bytes, as far as is known. */
  get totals(): IndexTotals {
    return this.#index.totals;
  }

  /** Lists images, newest first. */
  list(query: IndexQuery): Promise<Page> {
    return readPage(query, {
      index: this.#index,
      onGone: (id) => this.#drop(id),
      store: this.#options.store,
    });
  }

  /** Removes an image with all its files, and tells whether there was one. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#options.store.remove(id);
    await this.#drop(id);
    return removed;
  }

  /** Brings the index in line with the store and removes what exceeds the limits, as happens at the start and every hour. */
  reconcile(): Promise<void> {
    return this.#background.runNext(async () => {
      await this.#synchronize();
      await this.#retain();
    });
  }

  /** Ends all work in the background and closes the index. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#background[Symbol.asyncDispose]();
    await this.thumbnails.idle();
    this.#index[Symbol.dispose]();
  }

  async #synchronize(): Promise<void> {
    const duration = startStopwatch();
    const changes = await reconcile({
      index: this.#index,
      onGone: (id) => this.thumbnails.remove(id),
      signal: this.#background.signal,
      store: this.#options.store,
    });
    await this.thumbnails.keepOnly((id) => this.#index.has(id));
    if (this.#indexing || changes.added + changes.removed > 0) {
      this.#options.log("info", "library.synchronized", {
        ...changes,
        images: this.#index.totals.images,
        duration_ms: duration(),
      });
    }
    this.#indexing = false;
  }

  #retainNext(): void {
    this.#background.runNext(() => this.#retain());
  }

  async #retain(): Promise<void> {
    const removed = await applyRetention({
      index: this.#index,
      limits: this.#options,
      remove: (id) => this.remove(id),
      signal: this.#background.signal,
      store: this.#options.store,
    });
    if (removed.images === 0) return;
    const { images: images_left, bytes: bytes_left } = this.#index.totals;
    this.#options.log("info", "library.retention", {
      ...removed,
      images_left,
      bytes_left,
    });
  }

  #add({ sidecar }: StoredImage): void {
    try {
      this.#index.add([sidecar]);
      if (isOldestTooMuch(this.#index, this.#options)) {
        this.#retainNext();
      }
    } catch (error) {
      // The image is safe in the store, where the next tidying finds it.
      this.#warn(error);
    }
  }

  async #drop(id: string): Promise<void> {
    this.#index.remove(id);
    await this.thumbnails.remove(id);
  }

  #watch(): Promise<void> {
    return watchImages(this.#options.store.directory, {
      onChange: (id) => this.#background.run(() => this.#refresh(id)),
      signal: this.#background.signal,
    });
  }

  async #refresh(id: string): Promise<void> {
    // Asked first: what is being saved is not in the index yet, and must not be dropped when it comes in meanwhile.
    const listed = this.#index.has(id);
    const image = await this.#options.store.find(id);
    if (image === undefined && listed) await this.#drop(id);
    if (image !== undefined && !listed) this.#add(image);
  }

  #startAfresh(): void {
    this.#options.log("warn", "library.index_damaged");
    this.#indexing = true;
    this.reconcile();
  }

  #warn(error: unknown): void {
    this.#options.log("warn", "library.upkeep_failed", {
      reason: String(error),
    });
  }
}

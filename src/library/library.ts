import { join } from "@std/path";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { Log } from "../log.ts";
import { startStopwatch } from "../stopwatch.ts";
import { Background } from "./background.ts";
import { ImageIndex, type IndexTotals } from "./image_index.ts";
import type { IndexQuery } from "./index_query.ts";
import { type Page, readPage } from "./page.ts";
import { isOldestTooMuch, retain, type RetentionLimits } from "./retention.ts";
import { synchronize } from "./synchronize.ts";
import { Thumbnails } from "./thumbnails.ts";
import { watchImages } from "./watch.ts";

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
  readonly #background = new Background((error) => this.#warn(error));
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
    this.#background.every(TIDY_INTERVAL_MS, () => this.tidy());
    this.#background.every(RETAIN_INTERVAL_MS, () => this.#retainNext());
    this.tidy();
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
  tidy(): Promise<void> {
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
    const changes = await synchronize({
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
    const removed = await retain({
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
    this.tidy();
  }

  #warn(error: unknown): void {
    this.#options.log("warn", "library.upkeep_failed", {
      reason: String(error),
    });
  }
}

import { join } from "@std/path";
import { sidecarFileName } from "../images/sidecar.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { Log } from "../log.ts";
import { startStopwatch } from "../util.ts";
import { ImageIndex, type IndexQuery, type IndexTotals } from "./index.ts";
import { type Page, readPage } from "./page.ts";
import { reconcile } from "./reconcile.ts";
import {
  applyRetention,
  CautiousClock,
  isOldestTooMuch,
  type RetentionLimits,
} from "./retention.ts";
import { TaskRunner } from "./task_runner.ts";
import { Thumbnails } from "./thumbnails.ts";

const RECONCILE_INTERVAL_MS = 3_600_000;
/** How often to look for images that exceed a limit and were too young to go when they came. */
const RETAIN_INTERVAL_MS = 300_000;
/**
 * How often to look whether the folder went, came back or has other files. It is not watched: `Deno.watchFs` opens what
 * appears, and waits for ever where that is a pipe.
 */
const FOLDER_INTERVAL_MS = 2_000;
/** For how long after a change a file may still be copied, in milliseconds. */
const COPY_MS = 60_000;
/** How many times as long as a reconciliation took there is none for a change of files. */
const REST_FACTOR = 30;
/** How many images the folder is known again by: some of the newest may have been deleted while it was away. */
const KNOWN_IMAGES = 100;
/** How many unusable files are named in the log, and how many are remembered so that they are named once. */
const MAX_NAMED = 10, MAX_REMEMBERED = 10_000;

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
 * its index in line with the store, and removes images that exceed the limits. While the folder is away the index stays as
 * it is.
 */
export class Library implements AsyncDisposable {
  /** The small pictures. */
  readonly thumbnails: Thumbnails;
  readonly #options: LibraryOptions;
  readonly #index: ImageIndex;
  readonly #background = new TaskRunner((error) => this.#warn(error));
  readonly #clock = new CautiousClock();
  readonly #unusable = new Set<string>();
  #indexing = true;
  #away = false;
  #checking = false;
  /** Which files were seen last: changes with the directory and with the names in it. */
  #seen = "";
  #seenAt = 0;
  #restUntil = 0;
  #hasUnusable = false;

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
    store.folder.recognizeBy(() => this.#knownNames());
    this.#background.every(FOLDER_INTERVAL_MS, () => {
      if (!this.#checking) this.#background.run(() => this.#checkFolder());
    });
    this.#background.every(RETAIN_INTERVAL_MS, () => this.#retainNext());
    this.#background.every(RECONCILE_INTERVAL_MS, () => {
      this.#clock.confirm();
      this.reconcile();
    });
    this.#background.run(() => store.bringHome());
    this.reconcile();
  }

  /** Opens a library; what it does not know yet of the store it reads in the background. */
  static async open(options: LibraryOptions): Promise<Library> {
    const { dataDir, log, store } = options;
    const thumbnails = await Thumbnails.open({
      directory: join(dataDir, "thumbnails"),
      store,
      onUnusable: (image, error) =>
        log("warn", "library.thumbnail_failed", {
          image,
          reason: error.message,
        }),
    });
    return new Library(options, thumbnails);
  }

  /** Whether images may be missing from lists: the library does not know all of the store yet, or its folder is away. */
  get indexing(): boolean {
    return this.#indexing || this.#away;
  }

  /** How many images there are, and their bytes, as far as is known. */
  get totals(): IndexTotals {
    return this.#index.totals;
  }

  /** Lists images, newest first; while the folder is away, those that wait for it. */
  async list(query: IndexQuery): Promise<Page> {
    const { store } = this.#options;
    const isPresent = await store.folder.isPresent();
    return readPage(isPresent ? query : { ...query, ids: store.waiting }, {
      index: this.#index,
      onGone: (id) => this.#forgetIfGone(id),
      store,
    });
  }

  /** Removes an image with all its files, and tells whether there was one. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#options.store.remove(id);
    if (removed) await this.#forget(id);
    else await this.#forgetIfGone(id);
    return removed;
  }

  /** Brings the index in line with the store and removes what exceeds the limits, as happens at the start and every hour. */
  reconcile(): Promise<void> {
    return this.#background.runNext(async () => {
      if (!await this.#options.store.folder.isPresent()) return;
      await this.#synchronize();
      await this.#retain();
    });
  }

  /** Ends all work in the background and closes the index. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#background[Symbol.asyncDispose]();
    await this.thumbnails.idle();
    this.#options.store.folder.recognizeBy(() => []);
    this.#index[Symbol.dispose]();
  }

  async #synchronize(): Promise<void> {
    const duration = startStopwatch();
    await this.#see();
    const { added, removed, unusable } = await reconcile({
      index: this.#index,
      onGone: (id) => this.thumbnails.remove(id),
      signal: this.#background.signal,
      store: this.#options.store,
    });
    await this.thumbnails.keepOnly((id) => this.#index.has(id));
    this.#tellUnusable(unusable);
    this.#restUntil = performance.now() + duration() * REST_FACTOR;
    if (this.#indexing || added + removed > 0) {
      this.#options.log("info", "library.synchronized", {
        added,
        removed,
        images: this.#index.totals.images,
        duration_ms: duration(),
      });
    }
    this.#indexing = false;
  }

  #tellUnusable(ids: readonly string[]): void {
    this.#hasUnusable = ids.length > 0;
    const fresh = ids.filter((id) => !this.#unusable.has(id));
    if (fresh.length === 0 || this.#unusable.size >= MAX_REMEMBERED) return;
    for (const id of fresh.slice(0, MAX_REMEMBERED)) this.#unusable.add(id);
    this.#options.log("warn", "library.unusable_files", {
      count: fresh.length,
      files: fresh.slice(0, MAX_NAMED).map(sidecarFileName),
    });
  }

  #retainNext(): void {
    this.#background.runNext(() => this.#retain());
  }

  async #retain(): Promise<void> {
    const removed = await applyRetention({
      index: this.#index,
      limits: this.#options,
      now: () => this.#clock.now(),
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
      const limits = this.#options;
      if (isOldestTooMuch(this.#index, { limits, now: this.#clock.now() })) {
        this.#retainNext();
      }
    } catch (error) {
      // The image is safe in the store, where the next reconciliation finds it.
      this.#warn(error);
    }
  }

  /** Forgets an image that was not found, unless the disk is away on which it is. */
  async #forgetIfGone(id: string): Promise<void> {
    if (await this.#options.store.folder.isPresent()) await this.#forget(id);
  }

  async #forget(id: string): Promise<void> {
    this.#index.remove(id);
    await this.thumbnails.remove(id);
  }

  #knownNames(): string[] {
    const waiting = new Set(this.#options.store.waiting);
    return this.#index.list({ limit: KNOWN_IMAGES + waiting.size })
      .filter(({ id }) => !waiting.has(id))
      .map(({ id }) => sidecarFileName(id));
  }

  async #checkFolder(): Promise<void> {
    const { log, store } = this.#options;
    const { folder } = store;
    this.#checking = true;
    try {
      if (!await folder.isPresent()) {
        if (this.#away) return;
        this.#away = true;
        const reason = await folder.describeAbsence();
        return log("warn", "library.folder_away", { reason });
      }
      await store.bringHome();
      if (this.#away) {
        this.#away = false;
        log("info", "library.folder_back", { path: folder.path });
        await this.reconcile();
      } else if (performance.now() >= this.#restUntil) {
        const isCopying = this.#hasUnusable &&
          performance.now() - this.#seenAt < COPY_MS;
        if (await this.#see() || isCopying) await this.reconcile();
      }
    } finally {
      this.#checking = false;
    }
  }

  /** Looks at the folder, and tells whether names came or went since the last look. */
  async #see(): Promise<boolean> {
    const { folder } = this.#options.store;
    const { mtime } = await Deno.stat(folder.path);
    const seen = `${folder.identity} ${mtime?.getTime()}`;
    if (seen === this.#seen) return false;
    this.#seen = seen;
    this.#seenAt = performance.now();
    return true;
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

import { join } from "@std/path";
import type { ImageMetadata } from "../../src/images/sidecar.ts";
import { ImageStore, type StoredImage } from "../../src/images/store.ts";
import { Library, type LibraryOptions } from "../../src/library/library.ts";
import type { LogFields } from "../../src/log.ts";
import { newImage } from "../images/new_images.ts";

/** When the first image of a {@linkcode Shelf} is made. */
const START = Date.UTC(2026, 0, 1);

/** Directories with a store. */
export class Shelf implements AsyncDisposable {
  /** Where images are. */
  readonly outputDir: string;
  /** Where index and thumbnails are. */
  readonly dataDir: string;
  readonly store: ImageStore;
  /** What was logged, oldest first. */
  readonly log: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly #directory: string;
  #saved = 0;

  private constructor(directory: string, store: ImageStore) {
    this.#directory = directory;
    this.outputDir = store.directory;
    this.dataDir = join(directory, "data");
    this.store = store;
  }

  /** Makes a shelf without images. */
  static async open(
    options: { readonly storePrompts?: boolean } = {},
  ): Promise<Shelf> {
    const path = await Deno.makeTempDir({ prefix: "codex-image-server-" });
    const directory = await Deno.realPath(path);
    await Deno.mkdir(join(directory, "data"));
    const store = await ImageStore.open({
      directory: join(directory, "output"),
      instance: "test",
      ...options,
    });
    return new Shelf(directory, store);
  }

  /** Stores an image, made one second after the one before. */
  save(
    text: string,
    metadata: Partial<ImageMetadata> = {},
  ): Promise<StoredImage> {
    const made = START + 1_000 * this.#saved++;
    return this.store.save(newImage(text, {
      id: newId(),
      metadata: { created_at: new Date(made).toISOString(), ...metadata },
    }));
  }

  /** Stores images one after the other, and tells their ids. */
  async saveMany(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push((await this.save("x")).sidecar.id);
    return ids;
  }

  /** Opens a library that knows all images. */
  async openLibrary(options: Partial<LibraryOptions> = {}): Promise<Library> {
    const library = await this.startLibrary(options);
    await library.reconcile();
    return library;
  }

  /** Opens a library that learns of the images by and by. */
  startLibrary(options: Partial<LibraryOptions> = {}): Promise<Library> {
    return Library.open({
      dataDir: this.dataDir,
      store: this.store,
      storePrompts: false,
      retentionDays: undefined,
      retentionMaxCount: undefined,
      retentionMaxBytes: undefined,
      log: (_level, event, fields = {}) => this.log.push({ event, fields }),
      ...options,
    });
  }

  /** Removes all that is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Makes an id that was never used. */
export function newId(): string {
  return `codex-${crypto.randomUUID()}`;
}

/** Tells the ids of a list of images. */
export function idsOf(images: readonly StoredImage[]): string[] {
  return images.map(({ sidecar }) => sidecar.id);
}

/** Names what lies in a directory, in order. */
export function filesIn(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
}

import { join, resolve } from "@std/path";
import {
  discard,
  removeIfPresent,
  syncDirectory,
  TempNames,
  writeAtomically,
} from "./atomic_write.ts";
import { type OpenedFile, openRegularFile } from "./regular_file.ts";
import {
  allFileNames,
  imageIdOf,
  isImageId,
  layOutImage,
  type NewFile,
  type NewImage,
  parseSidecar,
  redactPrompts,
  type Sidecar,
  sidecarFileName,
} from "./sidecar.ts";

/** The settings of {@linkcode ImageStore.open}. */
export interface ImageStoreOptions {
  /** The folder of the images; made if it is not there. */
  readonly directory: string;
  /** The name of this server among those that share the folder, the same after a restart: letters, digits, `.`, `_`, `-`. */
  readonly instance: string;
  /** Whether the words of callers, the prompt and what was made of it, are kept and shown; they are not when left out. */
  readonly storePrompts?: boolean;
}

/** An image that is in the store. */
export interface StoredImage {
  /** The absolute path of the delivered file. */
  readonly path: string;
  /** What is known of it. */
  readonly sidecar: Sidecar;
}

/** The files of an image: the one to deliver, and the one that Codex wrote. */
export type ImageVariant = "delivered" | "original";

/**
 * The folder of finished images: `<id>.png` (or `.jpg`, `.webp`), `<id>.json` beside it, and `<id>.original.png` where the
 * image was converted.
 *
 * The files are all there is, so a restart finds every image and a person can browse, copy and delete them. A sidecar is
 * written last, so that what has one was whole, and removed last, so that a removal that was interrupted can be repeated.
 * What a crash has left without one is not listed, but stays: it is a picture that somebody has paid for.
 */
export class ImageStore {
  /** The absolute path of the folder. */
  readonly directory: string;
  readonly #tempNames: TempNames;
  readonly #storePrompts: boolean;
  readonly #saving = new Set<string>();
  readonly #listeners: ((image: StoredImage) => void)[] = [];

  private constructor(options: ImageStoreOptions) {
    this.directory = resolve(options.directory);
    this.#tempNames = new TempNames(options.instance);
    this.#storePrompts = options.storePrompts ?? false;
  }

  /** Opens a folder, and removes the temporary files that a previous run of this instance has left there. */
  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const store = new ImageStore(options);
    await Deno.mkdir(store.directory, { recursive: true });
    for await (const entry of Deno.readDir(store.directory)) {
      if (entry.isFile && store.#tempNames.owns(entry.name)) {
        await removeIfPresent(store.#path(entry.name));
      }
    }
    return store;
  }

  /** Lets a function know of every image that is stored from now on, before {@linkcode ImageStore.save} returns. */
  onSaved(listener: (image: StoredImage) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Stores an image. After a failure nothing of it is left.
   *
   * @returns The image with the words of the caller, whether they are kept or not
   * @throws {Error} If the id is not one or is taken, or the files cannot be written
   */
  async save(image: NewImage): Promise<StoredImage> {
    const { id } = image.metadata;
    if (!isImageId(id)) {
      throw new TypeError(`Cannot store image "${id}": it is not an image id`);
    }
    if (this.#saving.has(id)) throw taken(id);
    this.#saving.add(id);
    try {
      const keepPrompts = this.#storePrompts;
      const { sidecar, files } = await layOutImage(image, { keepPrompts });
      if (await this.#isTaken(id)) throw taken(id);
      await this.#write(files);
      const saved = { path: this.#path(sidecar.file), sidecar };
      for (const listener of this.#listeners) listener(saved);
      return saved;
    } finally {
      this.#saving.delete(id);
    }
  }

  /** Lists the ids of all images by the names of their sidecars, in no order; not every one need be whole. */
  async ids(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const { name } of Deno.readDir(this.directory)) {
      const id = imageIdOf(name);
      if (id !== undefined && name === sidecarFileName(id)) ids.add(id);
    }
    return ids;
  }

  /** Finds an image; nothing if the id is not one, or its sidecar or its file is missing or not as it was stored. */
  async find(id: string): Promise<StoredImage | undefined> {
    const sidecar = await this.#readSidecar(id);
    if (sidecar === undefined) return;
    const image = { path: this.#path(sidecar.file), sidecar };
    const delivered = await this.openFile(image, "delivered");
    delivered?.file.close();
    return delivered && image;
  }

  /**
   * Opens a file of an image for reading; the caller closes it.
   *
   * @returns Nothing if there is no such file, it is not a regular one, or it has not the size that was stored
   */
  async openFile(
    image: StoredImage,
    variant: ImageVariant,
  ): Promise<OpenedFile | undefined> {
    const { sidecar } = image;
    const stored = variant === "delivered" ? sidecar : sidecar.original;
    if (stored === null) return;
    const opened = await openRegularFile(this.#path(stored.file));
    if (opened?.info.size === stored.bytes) return opened;
    opened?.file.close();
  }

  /**
   * Removes an image: the files that its sidecar names, and the sidecar.
   *
   * A file that is being read stays readable to its end.
   *
   * @returns Whether there was such an image; of two removals at once, one gets `true`
   */
  async remove(id: string): Promise<boolean> {
    const sidecar = await this.#readSidecar(id);
    if (sidecar === undefined) return false;
    const { file, original } = sidecar;
    const files = original === null ? [file] : [file, original.file];
    for (const name of files) await removeIfPresent(this.#path(name));
    const removed = await removeIfPresent(this.#path(sidecarFileName(id)));
    await syncDirectory(this.directory);
    return removed;
  }

  async #readSidecar(id: string): Promise<Sidecar | undefined> {
    if (!isImageId(id)) return;
    const opened = await openRegularFile(this.#path(sidecarFileName(id)));
    if (opened === undefined) return;
    const text = await new Response(opened.file.readable).text();
    const sidecar = parseSidecar(text, id);
    if (sidecar === undefined || this.#storePrompts) return sidecar;
    return redactPrompts(sidecar);
  }

  async #write(files: readonly NewFile[]): Promise<void> {
    const written: string[] = [];
    try {
      for (const { name, bytes } of files) {
        const path = this.#path(name);
        const tempPath = this.#path(this.#tempNames.next());
        await writeAtomically(bytes, { path, tempPath });
        written.push(path);
      }
      await syncDirectory(this.directory);
    } catch (error) {
      await discard(written);
      throw error;
    }
  }

  async #isTaken(id: string): Promise<boolean> {
    const paths = allFileNames(id).map((name) => this.#path(name));
    return (await Promise.all(paths.map(isPresent))).includes(true);
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}

async function isPresent(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function taken(id: string): Error {
  return new Error(`Cannot store image "${id}": the id is taken`);
}

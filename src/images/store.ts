import { delay } from "@std/async/delay";
import { join, resolve } from "@std/path";
import { OutputFolder } from "../storage/output_folder.ts";
import {
  discard,
  removeIfPresent,
  syncDirectory,
  TempNames,
  writeAtomically,
} from "./atomic_write.ts";
import {
  type OpenedFile,
  openRegularFile,
  readSmallText,
} from "./regular_file.ts";
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

/** How long a sidecar may be: a prompt is 32,000 characters at most, and so is what was made of it. */
const MAX_SIDECAR_BYTES = 1_048_576;
/** How many names of files are looked at before other work gets its turn. */
const NAMES_AT_ONCE = 5_000;

/** The settings of {@linkcode ImageStore.open}. */
export interface ImageStoreOptions {
  /** The folder of the images; made if it is not there. */
  readonly directory: string;
  /** The name of this server among those that share the folder, the same after a restart: letters, digits, `.`, `_`, `-`. */
  readonly instance: string;
  /** Where images are kept while the folder is away; without it they cannot be stored then. */
  readonly waitingDirectory?: string;
  /** Whether the words of callers, the prompt and what was made of it, are kept and shown; they are not when left out. */
  readonly storePrompts?: boolean;
}

/** An image that is in the store. */
export interface StoredImage {
  /** The absolute path of the delivered file. */
  readonly path: string;
  /** Whether it lies in the waiting directory until the folder is back. */
  readonly waiting: boolean;
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
 * What a crash has left without one is not listed, but stays: it is a picture that somebody has paid for. Whatever else
 * appears in the folder is passed over, and while its disk is away images wait in another directory.
 */
export class ImageStore {
  /** The folder, which may come and go. */
  readonly folder: OutputFolder;
  readonly #tempNames: TempNames;
  readonly #storePrompts: boolean;
  readonly #waitingDirectory: string | undefined;
  /** The ids of the images in the waiting directory. */
  readonly #waiting = new Set<string>();
  readonly #saving = new Set<string>();
  readonly #listeners: ((image: StoredImage) => void)[] = [];
  #bringingHome: Promise<void> = Promise.resolve();

  private constructor(options: ImageStoreOptions, folder: OutputFolder) {
    this.folder = folder;
    this.#tempNames = new TempNames(options.instance);
    this.#storePrompts = options.storePrompts ?? false;
    this.#waitingDirectory = options.waitingDirectory;
  }

  /** Opens a folder, and removes the temporary files that a previous run of this instance has left there. */
  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const folder = await OutputFolder.open(resolve(options.directory));
    const store = new ImageStore(options, folder);
    await store.#removeTemporaryFiles(folder.path);
    const { waitingDirectory } = options;
    if (waitingDirectory !== undefined) {
      await Deno.mkdir(waitingDirectory, { recursive: true, mode: 0o700 });
      await store.#removeTemporaryFiles(waitingDirectory);
      for await (const id of imageIdsIn(waitingDirectory)) {
        store.#waiting.add(id);
      }
    }
    return store;
  }

  /** The absolute path of the folder. */
  get directory(): string {
    return this.folder.path;
  }

  /** The ids of the images that wait until the folder is back. */
  get waiting(): readonly string[] {
    return [...this.#waiting];
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
      await this.#writeSomewhere(id, files);
      const saved = this.#locate(sidecar);
      for (const listener of this.#listeners) listener(saved);
      return saved;
    } finally {
      this.#saving.delete(id);
    }
  }

  /** Lists the ids of all images by the names of their sidecars, in no order; not every one need be whole. */
  async ids(): Promise<Set<string>> {
    const ids = new Set(this.#waiting);
    for await (const id of imageIdsIn(this.directory)) ids.add(id);
    return ids;
  }

  /** Finds an image; nothing if the id is not one, or its sidecar or its file is missing or not as it was stored. */
  async find(id: string): Promise<StoredImage | undefined> {
    const sidecar = await this.#readSidecar(id);
    if (sidecar === undefined) return;
    const image = this.#locate(sidecar);
    const delivered = await this.openFile(image, "delivered");
    delivered?.file.close();
    return delivered && image;
  }

  /** Moves the images that wait into the folder, as far as it is there. */
  bringHome(): Promise<void> {
    this.#bringingHome = this.#bringingHome.catch(() => {}).then(async () => {
      for (const id of this.#waiting) {
        if (!await this.folder.isPresent()) return;
        await this.#moveHome(id);
      }
    });
    return this.#bringingHome;
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
    const opened = await openRegularFile(
      this.#path(sidecar.id, stored.file),
    );
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
    await Promise.allSettled([this.#bringingHome]);
    const sidecar = await this.#readSidecar(id);
    if (sidecar === undefined) return false;
    const { file, original } = sidecar;
    const files = original === null ? [file] : [file, original.file];
    for (const name of files) await removeIfPresent(this.#path(id, name));
    const path = this.#path(id, sidecarFileName(id));
    const removed = await removeIfPresent(path);
    await syncDirectory(this.#directoryOf(id));
    this.#waiting.delete(id);
    return removed;
  }

  async #removeTemporaryFiles(directory: string): Promise<void> {
    for await (const entry of Deno.readDir(directory)) {
      if (entry.isFile && this.#tempNames.owns(entry.name)) {
        await removeIfPresent(join(directory, entry.name));
      }
    }
  }

  async #readSidecar(id: string): Promise<Sidecar | undefined> {
    if (!isImageId(id)) return;
    const path = this.#path(id, sidecarFileName(id));
    const text = await readSmallText(path, MAX_SIDECAR_BYTES);
    const sidecar = text === undefined ? undefined : parseSidecar(text, id);
    if (sidecar === undefined || this.#storePrompts) return sidecar;
    return redactPrompts(sidecar);
  }

  /** Writes into the folder, or where images wait if it is away, or went away meanwhile. */
  async #writeSomewhere(id: string, files: readonly NewFile[]): Promise<void> {
    const waitingDirectory = this.#waitingDirectory;
    if (waitingDirectory === undefined || await this.folder.isPresent()) {
      try {
        if (await this.#isTaken(id)) throw taken(id);
        const paths = await this.#write(this.directory, files);
        if (waitingDirectory === undefined || await this.folder.isPresent()) {
          return;
        }
        await discard(paths);
      } catch (error) {
        const isHere = await this.folder.isPresent();
        if (waitingDirectory === undefined || isHere) throw error;
      }
    }
    await this.#write(waitingDirectory, files);
    this.#waiting.add(id);
  }

  async #moveHome(id: string): Promise<void> {
    const sidecar = await this.#readSidecar(id);
    // What is not an image is left alone, where its owner can look at it.
    if (sidecar === undefined) return void this.#waiting.delete(id);
    const { file, original } = sidecar;
    const names = [file, ...(original === null ? [] : [original.file])];
    names.push(sidecarFileName(id));
    const paths = names.map((name) => this.#path(id, name));
    // An earlier move may have been cut off after its last file was written.
    if (!await isPresent(join(this.directory, sidecarFileName(id)))) {
      const files: NewFile[] = [];
      for (const [i, name] of names.entries()) {
        files.push({ name, bytes: await Deno.readFile(paths[i]) });
      }
      await this.#write(this.directory, files);
    }
    this.#waiting.delete(id);
    for (const path of paths) await removeIfPresent(path);
  }

  /** Writes files one after the other; after a failure none of them is left. */
  async #write(
    directory: string,
    files: readonly NewFile[],
  ): Promise<readonly string[]> {
    const written: string[] = [];
    try {
      for (const { name, bytes } of files) {
        const path = join(directory, name);
        const tempPath = join(directory, this.#tempNames.next());
        await writeAtomically(bytes, { path, tempPath });
        written.push(path);
      }
      await syncDirectory(directory);
      return written;
    } catch (error) {
      await discard(written);
      throw error;
    }
  }

  async #isTaken(id: string): Promise<boolean> {
    const paths = allFileNames(id).map((name) => join(this.directory, name));
    return (await Promise.all(paths.map(isPresent))).includes(true);
  }

  #locate(sidecar: Sidecar): StoredImage {
    const { file, id } = sidecar;
    const waiting = this.#waiting.has(id);
    return { path: this.#path(id, file), waiting, sidecar };
  }

  #directoryOf(id: string): string {
    const isWaiting = this.#waiting.has(id);
    return isWaiting ? this.#waitingDirectory ?? "" : this.directory;
  }

  #path(id: string, name: string): string {
    return join(this.#directoryOf(id), name);
  }
}

async function* imageIdsIn(directory: string): AsyncGenerator<string> {
  let count = 0;
  for await (const { name } of Deno.readDir(directory)) {
    if (++count % NAMES_AT_ONCE === 0) await delay(0);
    const id = imageIdOf(name);
    if (id !== undefined && name === sidecarFileName(id)) yield id;
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

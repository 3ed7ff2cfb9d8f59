import { join } from "@std/path";
import { writeAtomically } from "../images/atomic_write.ts";
import { ImageError } from "../images/format.ts";
import { withImageSlot, withSharp } from "../images/pixels.ts";
import {
  type OpenedFile,
  openRegularFile,
  readBytes,
} from "../images/regular_file.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import { removeIfExists } from "../util.ts";

/** The longest edge of a thumbnail, in pixels. */
const MAX_EDGE = 512;
const QUALITY = 80;
const EXTENSION = ".webp";
/** The longest file that is read into memory: no image of ours is half as long. */
const MAX_BYTES = 268_435_456;

/** The settings of {@linkcode Thumbnails.open}. */
export interface ThumbnailsOptions {
  /** A folder that holds nothing else; made if it is not there. */
  readonly directory: string;
  /** Where the images are. */
  readonly store: ImageStore;
  /** Called once for an image of which no thumbnail can be made. */
  readonly onUnusable: (id: string, error: ImageError) => void;
}

/** Small WebP files of images, each made when it is first asked for. */
export class Thumbnails {
  readonly #directory: string;
  readonly #store: ImageStore;
  readonly #onUnusable: ThumbnailsOptions["onUnusable"];
  readonly #unusable = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();

  private constructor({ directory, onUnusable, store }: ThumbnailsOptions) {
    this.#directory = directory;
    this.#onUnusable = onUnusable;
    this.#store = store;
  }

  /** Opens a folder. */
  static async open(options: ThumbnailsOptions): Promise<Thumbnails> {
    await Deno.mkdir(options.directory, { recursive: true, mode: 0o700 });
    return new Thumbnails(options);
  }

  /**
   * Opens the thumbnail of an image for reading; the caller closes it. Whoever asks while it is made waits for it.
   *
   * @returns Nothing if the file of the image is gone, or cannot be decoded
   */
  async openFile(image: StoredImage): Promise<OpenedFile | undefined> {
    const { id } = image.sidecar;
    const path = this.#path(id);
    const opened = await openRegularFile(path);
    if (opened !== undefined) return opened;
    if (this.#unusable.has(id)) return;
    let making = this.#making.get(id);
    if (making === undefined) {
      making = this.#make(image).finally(() => this.#making.delete(id));
      this.#making.set(id, making);
    }
    await making;
    return openRegularFile(path);
  }

  /** Removes the thumbnail of an image that is gone, also one that is being made. */
  async remove(id: string): Promise<void> {
    await Promise.allSettled([this.#making.get(id)]);
    this.#unusable.delete(id);
    await removeIfExists(this.#path(id));
  }

  /** Removes all but the thumbnails of some images, and what an interrupted writing has left. */
  async keepOnly(isKept: (id: string) => boolean): Promise<void> {
    for await (const { name } of Deno.readDir(this.#directory)) {
      const [id] = name.split(".", 1);
      if (this.#making.has(id)) continue;
      if (name === id + EXTENSION && isKept(id)) continue;
      await removeIfExists(join(this.#directory, name));
    }
  }

  /** Resolves when none is being made. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#making.values());
  }

  #make(image: StoredImage): Promise<void> {
    // Not read before its turn, or a page of first requests would hold all of its images in memory.
    return withImageSlot(async () => {
      const { id } = image.sidecar;
      const opened = await this.#store.openFile(image, "delivered");
      if (opened === undefined) return;
      using file = opened.file;
      try {
        const bytes = await readBytes(file, opened.info.size, MAX_BYTES);
        if (bytes === undefined) throw new ImageError("has too many bytes");
        const path = this.#path(id);
        const tempPath = `${path}.${crypto.randomUUID()}.tmp`;
        await writeAtomically(await shrink(bytes), { path, tempPath });
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        this.#unusable.add(id);
        this.#onUnusable(id, error);
      }
    });
  }

  #path(id: string): string {
    return join(this.#directory, id + EXTENSION);
  }
}

function shrink(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return withSharp(bytes, (picture) =>
    picture
      .autoOrient()
      .resize({
        width: MAX_EDGE,
        height: MAX_EDGE,
        fit: "inside",
        withoutEnlargement: true,
      })
      .webp({ quality: QUALITY })
      .toBuffer());
}

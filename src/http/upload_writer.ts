import { createHash } from "node:crypto";
import { join } from "@std/path";
import { Upload } from "./upload.ts";

/** Writes a file of the caller as it comes in, and hashes it on the way; what was begun stays behind. */
export class UploadWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #hash = createHash("sha256");
  readonly #path: string;
  #bytes = 0;

  private constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * Opens a new file for its user alone.
   *
   * @param directory Where to write; made if it is missing.
   */
  static async open(directory: string): Promise<UploadWriter> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, crypto.randomUUID());
    const options = { write: true, createNew: true, mode: 0o600 };
    return new UploadWriter(await Deno.open(path, options), path);
  }

  /** How much is written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes what comes next. */
  async write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      at += await this.#file.write(chunk.subarray(at));
    }
  }

  /** Tells what was written, once, when all of it is. */
  finish(): Upload {
    return new Upload({
      path: this.#path,
      bytes: this.#bytes,
      sha256: this.#hash.digest("hex"),
    });
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

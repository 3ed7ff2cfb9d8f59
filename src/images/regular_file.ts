import { closeSync, constants, fstat, open, read, type Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { promisify } from "node:util";

const CHUNK_BYTES = 65_536;
/** Never waits, whatever took the place of a file since it was looked at: to open a FIFO would wait for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** What the system says of a file that is not there or that cannot be read, which must not be in the way of all others. */
const UNREADABLE: readonly unknown[] = [
  "EACCES",
  "EIO",
  "ELOOP",
  "ENOENT",
  "ENXIO",
  "EPERM",
  "ESTALE",
];

const openFile = promisify(open);
const statFile = promisify(fstat);

/** What is known of an open file. */
export type FileStats = Pick<Stats, "ino" | "mtime" | "size">;

/** An open file; whoever gets it closes it. */
export interface OpenedFile {
  /** The handle, at the first byte. */
  readonly file: RegularFile;
  /** What the file system says of the open file. */
  readonly info: FileStats;
}

/** A regular file that is open for reading, with the methods of `Deno.FsFile` that reading takes. */
export class RegularFile implements Disposable {
  readonly #descriptor: number;
  #position = 0;
  #closed = false;

  /** @param descriptor From `node:fs`, because `Deno.open` has no way to open without waiting. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The bytes up to the end of the file; the file is closed there, or when the stream is cancelled. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const chunk = new Uint8Array(CHUNK_BYTES);
        const count = await this.read(chunk);
        if (count !== null) return controller.enqueue(chunk.subarray(0, count));
        this.close();
        controller.close();
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /** Reads into a buffer and tells how many bytes, or `null` at the end. */
  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const { promise, reject, resolve } = Promise.withResolvers<number>();
    const { length } = buffer;
    read(
      this.#descriptor,
      buffer,
      0,
      length,
      this.#position,
      (error, count) => error === null ? resolve(count) : reject(error),
    );
    const count = await promise;
    this.#position += count;
    return count === 0 ? null : count;
  }

  /** Goes to a byte, counted from the start. */
  seek(position: number): void {
    this.#position = position;
  }

  /** Closes the file; a second time does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a file for reading if it is a regular one.
 *
 * Symbolic links, directories, pipes and devices are refused without being opened, and so is a file that is replaced between
 * the look and the opening.
 *
 * @returns Nothing if there is no such file, or none that can be read
 */
export async function openRegularFile(
  path: string,
): Promise<OpenedFile | undefined> {
  try {
    const seen = await lstat(path);
    if (!seen.isFile()) return;
    const descriptor = await openFile(path, FLAGS);
    using unlessReturned = new DisposableStack();
    const file = unlessReturned.use(new RegularFile(descriptor));
    const found = await statFile(descriptor);
    if (!found.isFile() || found.ino !== seen.ino || found.dev !== seen.dev) {
      return;
    }
    unlessReturned.move();
    const { ino, mtime, size } = found;
    return { file, info: { ino, mtime, size } };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
}

/**
 * Reads the bytes of an open file, as many as it had when it was opened.
 *
 * @param size What {@linkcode FileStats} tell.
 * @param maxBytes How many there may be.
 * @returns Nothing if there are more, also where the file grows meanwhile
 */
export async function readBytes(
  file: RegularFile,
  size: number,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (size > maxBytes) return;
  const bytes = new Uint8Array(size + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) return bytes.subarray(0, length);
    length += count;
  }
}

/**
 * Reads a text file that is not longer than it may be, also where it grows meanwhile.
 *
 * @param maxBytes How long it may be.
 * @returns Nothing if there is no regular file, or none that can be read, or it is longer
 */
export async function readSmallText(
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  try {
    const opened = await openRegularFile(path);
    if (opened === undefined) return;
    using file = opened.file;
    const bytes = await readBytes(file, opened.info.size, maxBytes);
    return bytes && new TextDecoder().decode(bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    UNREADABLE.includes(error.code);
}

const NO_DIRECTORY_SYNC: readonly unknown[] = ["EINVAL", "ENOTSUP"];
const INSTANCE = /^[A-Za-z0-9._-]{1,64}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EXTENSION = ".tmp";

/** Where {@linkcode writeAtomically} writes. */
export interface AtomicWriteOptions {
  /** The final path; a file that is there is replaced. */
  readonly path: string;
  /** A path in the same directory for the time of writing; nothing may be there. */
  readonly tempPath: string;
}

/**
 * Writes a file so that its path holds all of the bytes or none of them, a loss of power included once
 * {@linkcode syncDirectory} has returned. After a failure the temporary file is gone.
 */
export async function writeAtomically(
  bytes: Uint8Array,
  options: AtomicWriteOptions,
): Promise<void> {
  const { path, tempPath } = options;
  const file = await Deno.open(tempPath, { write: true, createNew: true });
  try {
    await writeAndClose(file, bytes);
    await Deno.rename(tempPath, path);
  } catch (error) {
    await discard([tempPath]);
    throw error;
  }
}

/** Makes the names of a directory durable, where its file system can do that. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  try {
    await directory.sync();
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (!NO_DIRECTORY_SYNC.includes(code)) throw error;
  }
}

/** Removes a file, and tells whether it was there. */
export async function removeIfPresent(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes what a failed write has left, as far as that can be done: the first failure is the one to report. */
export async function discard(paths: readonly string[]): Promise<void> {
  await Promise.allSettled(paths.map(removeIfPresent));
}

/** The names of the temporary files of one server among those that share a folder. */
export class TempNames {
  readonly #prefix: string;

  /** @param instance The name of the server, the same after a restart: letters, digits, `.`, `_` and `-`, at most 64 */
  constructor(instance: string) {
    if (!INSTANCE.test(instance)) {
      throw new TypeError(
        `Cannot name temporary files: instance "${instance}" is not 1 to 64 letters, digits, ".", "_" or "-"`,
      );
    }
    this.#prefix = `.codex-image-server-${instance}-`;
  }

  /** Makes a name that was never used. */
  next(): string {
    return `${this.#prefix}${crypto.randomUUID()}${EXTENSION}`;
  }

  /** Tells whether a name was made for this server. */
  owns(name: string): boolean {
    if (!name.startsWith(this.#prefix) || !name.endsWith(EXTENSION)) {
      return false;
    }
    // The whole of the rest, because another instance may be called "<this one>-something".
    return UUID.test(name.slice(this.#prefix.length, -EXTENSION.length));
  }
}

async function writeAndClose(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  using _ = file;
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
  await file.sync();
}

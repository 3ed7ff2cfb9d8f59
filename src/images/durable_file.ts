const NO_DIRECTORY_SYNC: readonly unknown[] = ["EINVAL", "ENOTSUP"];

/** Where {@linkcode writeDurably} writes. */
export interface DurableWriteOptions {
  /** The final path; a file that is there is replaced. */
  readonly path: string;
  /** A path in the same directory for the time of writing; nothing may be there. */
  readonly tempPath: string;
}

/**
 * Writes a file so that its path holds all of the bytes or none of them, a loss of power included once
 * {@linkcode syncDirectory} has returned. After a failure the temporary file is gone.
 */
export async function writeDurably(
  bytes: Uint8Array,
  options: DurableWriteOptions,
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

/** An open file; whoever gets it closes it. */
export interface OpenedFile {
  /** The handle, at the first byte. */
  readonly file: Deno.FsFile;
  /** What the file system says of the open file. */
  readonly info: Deno.FileInfo;
}

/**
 * Opens a file for reading if it is a regular one.
 *
 * Symbolic links, directories and devices are refused without being opened: to open a FIFO would wait for a writer. A file
 * that is replaced between the look and the opening is refused as well.
 *
 * @returns Nothing if there is no such file, or none that the server may read
 */
export async function openRegularFile(
  path: string,
): Promise<OpenedFile | undefined> {
  try {
    const seen = await Deno.lstat(path);
    if (!seen.isFile) return;
    const file = await Deno.open(path);
    using unlessReturned = new DisposableStack();
    unlessReturned.use(file);
    const info = await file.stat();
    if (info.ino !== seen.ino || info.dev !== seen.dev) return;
    unlessReturned.move();
    return { file, info };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    // One file of another owner must not be in the way of all others.
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
}

import { statfs } from "node:fs/promises";

/**
 * Tells how much more can be written below a directory, in bytes: what is free for everybody, on the fullest of the file
 * systems.
 *
 * @throws {Error} There is no such directory, or the system does not tell.
 */
export async function freeBytes(
  ...directories: readonly string[]
): Promise<number> {
  const all = await Promise.all(directories.map((path) => statfs(path)));
  return Math.min(...all.map(({ bavail, bsize }) => bavail * bsize));
}

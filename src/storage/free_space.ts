import { statfs } from "node:fs/promises";
import { ApiError } from "../errors.ts";
import { isWritable } from "./data_dir.ts";
import type { OutputFolder } from "./output_folder.ts";

const MIB = 1_048_576;

/** What has to be there for a picture to be stored. */
export interface StorageCheckOptions {
  /** Where pictures are kept. */
  readonly folder: OutputFolder;
  /** Where the server keeps its own files. */
  readonly dataDir: string;
  /** How much space has to be free, in bytes. */
  readonly minFreeBytes: number;
}

/**
 * Makes sure that a picture could be stored, before anybody pays for it.
 *
 * Rejects with a {@linkcode ApiError} `insufficient_storage`.
 */
export type StorageCheck = () => Promise<void>;

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

/**
 * Makes a {@linkcode StorageCheck}.
 *
 * A directory that is gone is not made anew: its disk may only be away.
 */
export function createStorageCheck(options: StorageCheckOptions): StorageCheck {
  const { dataDir, folder, minFreeBytes } = options;
  return async () => {
    const problem = await findFolderProblem(folder);
    if (problem !== undefined) throw refuse(problem);
    const free = await freeBytes(folder.path, dataDir);
    if (free >= minFreeBytes) return;
    const [has, needs] = [free, minFreeBytes].map((bytes) =>
      `${Math.floor(bytes / MIB)} MiB`
    );
    throw refuse(`${has} are free, expected ${needs} at least`);
  };
}

/** Tells why no picture can be written to a folder, in the middle of a sentence; nothing where one can. */
export async function findFolderProblem(
  folder: OutputFolder,
): Promise<string | undefined> {
  if (!await folder.isPresent()) return await folder.describeAbsence();
  if (!await isWritable(folder.path)) {
    return `"${folder.path}" cannot be written`;
  }
}

function refuse(state: string): ApiError {
  return new ApiError("insufficient_storage", `Cannot store images: ${state}`);
}

import { Failure } from "./failure.ts";
import { freeBytes } from "./free_bytes.ts";
import { isWritable } from "./own_directory.ts";

const MIB = 1_048_576;

/** What has to be there for a picture to be stored. */
export interface StorageCheckOptions {
  /** Where pictures are kept. */
  readonly outputDir: string;
  /** Where the server keeps its own files. */
  readonly dataDir: string;
  /** How much space has to be free, in bytes. */
  readonly minFreeBytes: number;
}

/**
 * Makes sure that a picture could be stored, before anybody pays for it.
 *
 * Rejects with a {@linkcode Failure} `insufficient_storage`.
 */
export type StorageCheck = () => Promise<void>;

/**
 * Makes a {@linkcode StorageCheck}.
 *
 * A directory that is gone is not made anew: its disk may only be away.
 */
export function createStorageCheck(options: StorageCheckOptions): StorageCheck {
  const { dataDir, minFreeBytes, outputDir } = options;
  return async () => {
    if (!await isWritable(outputDir)) {
      throw refuse(`"${outputDir}" is missing or cannot be written`);
    }
    const free = await freeBytes(outputDir, dataDir);
    if (free >= minFreeBytes) return;
    const [has, needs] = [free, minFreeBytes].map((bytes) =>
      `${Math.floor(bytes / MIB)} MiB`
    );
    throw refuse(`${has} are free, expected ${needs} at least`);
  };
}

function refuse(state: string): Failure {
  return new Failure("insufficient_storage", `Cannot store images: ${state}`);
}

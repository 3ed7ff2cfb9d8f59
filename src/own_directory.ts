import { ownershipRemedy } from "./ownership.ts";
import { ConfigError, PREFIX } from "./settings.ts";

/** What an {@linkcode makeOwnDirectory} is for. */
export interface OwnDirectoryOptions {
  /** The name of its setting without the prefix. */
  readonly setting: "DATA_DIR" | "OUTPUT_DIR";
  /** The mode of a new one. */
  readonly mode?: number;
}

/**
 * Makes a directory unless it is there, and makes sure that the server can write to it.
 *
 * @throws {ConfigError} It cannot; the message tells what to do.
 */
export async function makeOwnDirectory(
  path: string,
  { setting, mode }: OwnDirectoryOptions,
): Promise<void> {
  const refusal = `Cannot use ${PREFIX}${setting} "${path}"`;
  try {
    await Deno.mkdir(path, { recursive: true, mode });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(`${refusal}: ${error.message}`, { cause: error });
  }
  if (!await isWritable(path)) {
    throw new ConfigError(
      `${refusal}: it cannot be written, ${await ownershipRemedy(path)}`,
    );
  }
}

/** Asks the system, which knows of read-only mounts, without leaving a file. */
export async function isWritable(directory: string): Promise<boolean> {
  const { success } = await new Deno.Command("test", {
    args: ["-d", directory, "-a", "-w", directory],
    stdin: "null",
  }).output();
  return success;
}

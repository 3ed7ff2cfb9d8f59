import { join } from "@std/path";
import { makeOwnDirectory } from "./own_directory.ts";
import { ownershipRemedy } from "./ownership.ts";
import { ConfigError } from "./settings.ts";

/** The hold of one server on its data directory, for as long as it runs. */
export interface Instance extends Disposable {
  /** A name that stays the same from start to start; it marks what belongs to this server. */
  readonly id: string;
}

/**
 * Takes hold of a data directory.
 *
 * The lock goes with the process, however it ends.
 *
 * @throws {ConfigError} Another server holds the directory, or another user had it.
 */
export async function claimDataDir(dataDir: string): Promise<Instance> {
  await makeOwnDirectory(dataDir, { setting: "DATA_DIR", mode: 0o700 });
  const file = await openOwn(join(dataDir, "instance"), dataDir);
  try {
    if (!await file.tryLock(true)) {
      throw new ConfigError(
        `Cannot use CODEX_IMAGE_SERVER_DATA_DIR "${dataDir}": another server uses it; expected a directory of its own`,
      );
    }
    const id = await readId(file) ?? await writeId(file);
    return { id, [Symbol.dispose]: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function openOwn(path: string, dataDir: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { create: true, read: true, write: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new ConfigError(
      `Cannot use CODEX_IMAGE_SERVER_DATA_DIR "${dataDir}": another user had it, ${await ownershipRemedy(
        path,
      )}, or remove it: it holds no pictures (for the container "docker compose down", then "docker volume rm codex-image-server_data")`,
      { cause: error },
    );
  }
}

async function readId(file: Deno.FsFile): Promise<string | undefined> {
  const bytes = new Uint8Array(64);
  const length = await file.read(bytes) ?? 0;
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  return /^[0-9a-f]{32}$/.test(text) ? text : undefined;
}

async function writeId(file: Deno.FsFile): Promise<string> {
  const id = crypto.randomUUID().replaceAll("-", "");
  await file.truncate();
  await file.seek(0, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(id));
  await file.syncData();
  return id;
}

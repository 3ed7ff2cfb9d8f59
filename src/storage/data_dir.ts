import { constants, open } from "node:fs/promises";
import { join } from "@std/path";
import { ConfigError } from "../config.ts";
import { PREFIX } from "../settings.ts";

/** Opens a file that has no name, on Linux (`open(2)`); the number is the same for all of its processors. */
const O_TMPFILE = 0o20200000;
/** What file systems say that know no files without a name. */
const NO_NAMELESS_FILES: readonly unknown[] = [
  "EINVAL",
  "EISDIR",
  "ENOTSUP",
  "EOPNOTSUPP",
];
/** What a file system says that may be written and has no room. */
const FULL: readonly unknown[] = ["EDQUOT", "ENOSPC"];

/** Whom a file or directory belongs to. */
export interface Owner {
  readonly user: number;
  readonly group: number;
}

/** Finds the owner of a path; undefined where there is none, or where the server may not look. */
export async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const { gid, uid } = await Deno.lstat(path);
    return uid === null || gid === null ? undefined : { user: uid, group: gid };
  } catch (error) {
    if (error instanceof Error && codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** Tells whom a path belongs to and how the server may get to use it, in the middle of a sentence. */
export async function ownershipRemedy(path: string): Promise<string> {
  const own = `${Deno.uid()}:${Deno.gid()}`;
  const owner = await ownerOf(path);
  if (owner !== undefined && owner.user === Deno.uid()) {
    return 'it belongs to the server: mount it without "ro", or type "chmod u+rwX" and its path on the host';
  }
  const belongs = owner === undefined
    ? ""
    : `it belongs to ${owner.user}:${owner.group}, `;
  // The server does not run as root in a container.
  const container = owner === undefined || owner.user === 0
    ? ""
    : `, or for the container set APP_UID=${owner.user} and APP_GID=${owner.group}`;
  return `${belongs}the server runs as ${own}: type "sudo chown -R ${own}" and its path on the host${container}`;
}

/** What an {@linkcode ensureOwnedDirectory} is for. */
export interface OwnedDirectoryOptions {
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
export async function ensureOwnedDirectory(
  path: string,
  { setting, mode }: OwnedDirectoryOptions,
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

/** Tries whether the server can write to a directory, which shows read-only mounts too, without leaving a file. */
export async function isWritable(directory: string): Promise<boolean> {
  try {
    await tryToWrite(directory);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return FULL.includes(code);
  }
}

/** The hold of one server on its data directory, for as long as it runs. */
export interface Instance extends Disposable {
  /** A secret that stays the same from start to start; it tags the processes of this server. */
  readonly id: string;
  /** A name that stays the same too, and does not tell the secret; it marks files that others may see. */
  readonly name: string;
}

/**
 * Takes hold of a data directory.
 *
 * The lock goes with the process, however it ends.
 *
 * @throws {ConfigError} Another server holds the directory, or another user had it.
 */
export async function claimDataDir(dataDir: string): Promise<Instance> {
  await ensureOwnedDirectory(dataDir, { setting: "DATA_DIR", mode: 0o700 });
  const file = await openOwn(join(dataDir, "instance"), dataDir);
  try {
    if (!await file.tryLock(true)) {
      throw new ConfigError(
        `Cannot use CODEX_IMAGE_SERVER_DATA_DIR "${dataDir}": another server uses it; expected a directory of its own`,
      );
    }
    const id = await readId(file) ?? await writeId(file);
    const bytes = new TextEncoder().encode(id);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const name = new Uint8Array(digest).toHex().slice(0, 32);
    return {
      id,
      name,
      [Symbol.dispose]: () => {
        // A process that is being started has the file too, until it becomes its program.
        file.unlockSync();
        file.close();
      },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function tryToWrite(directory: string): Promise<void> {
  if (Deno.build.os === "linux") {
    try {
      const file = await open(directory, O_TMPFILE | constants.O_WRONLY);
      return await file.close();
    } catch (error) {
      if (!NO_NAMELESS_FILES.includes(codeOf(error))) throw error;
    }
  }
  const prefix = ".codex-image-server-";
  await Deno.remove(await Deno.makeTempFile({ dir: directory, prefix }));
}

/** What the system calls a failure, such as `ENOENT`; undefined where it is none of the system's. */
function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/**
 * Reads the secret that signs URLs from a data directory, or makes one where there is none.
 *
 * @throws {ConfigError} Another user had the directory.
 */
export async function openSecret(dataDir: string): Promise<string> {
  using file = await openOwn(join(dataDir, "link_secret"), dataDir);
  return await readId(file) ?? await writeId(file);
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

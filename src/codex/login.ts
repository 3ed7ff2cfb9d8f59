import { abortable } from "@std/async/abortable";
import { join } from "@std/path";
import { ownerOf, ownershipRemedy } from "../storage/data_dir.ts";
import { LOGIN_HINT } from "./errors.ts";

/** The CLI refreshes a token that ends within five minutes; one more is for the time it takes to get there. */
const AHEAD_MS = 6 * 60_000;

/**
 * Tells whether the next `codex exec` will refresh the login before it does anything else.
 *
 * The CLI takes no lock for that: of several that start at the same moment each would spend the
 * same refresh token, and a service that sees one twice may end the login for good.
 *
 * @param authFile The login file.
 * @param now Milliseconds since 1970.
 * @returns True where it cannot be told.
 */
export async function isTokenRefreshDue(
  authFile: string,
  now: number = Date.now(),
): Promise<boolean> {
  const end = expiryOf(await readOrEmpty(authFile));
  return end === undefined || end - now < AHEAD_MS;
}

/** Takes a turn at refreshing a login; what it returns ends the turn. */
export type LoginLock = (signal: AbortSignal) => Promise<() => void>;

/** How long another server is waited for, in milliseconds. */
const LOCK_MS = 30_000;

/**
 * Makes what lets servers with the same login refresh it one after the other.
 *
 * The CLI's own lock, `auth.json.lock`, covers the writing alone: two CLIs send the same refresh token. To hold that one would
 * stop the CLI's writing, so it is the directory that is locked, which leaves no file there and ends with the process. Where
 * there is no `flock`, as on macOS, nobody waits.
 *
 * @param authHome The directory that holds `auth.json`.
 */
export function loginLock(authHome: string): LoginLock {
  return async (signal) => {
    const child = spawnLock(authHome);
    if (child === undefined) return () => {};
    const reader = child.stdout.getReader();
    const release = () => {
      child.stdin.close().catch(() => {});
      reader.cancel().catch(() => {});
    };
    const ended = AbortSignal.any([signal, AbortSignal.timeout(LOCK_MS)]);
    try {
      await abortable(reader.read(), ended);
    } catch (error) {
      child.kill();
      release();
      await child.status;
      // Who waits for too long goes on without a turn: the other may hang.
      if (signal.aborted) throw error;
      return () => {};
    }
    return release;
  };
}

function spawnLock(authHome: string): Deno.ChildProcess | undefined {
  try {
    return new Deno.Command("flock", {
      args: ["--", authHome, "sh", "-c", "echo; exec cat >/dev/null"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Tells what kind of login a file holds, without a look at what it is worth. */
export async function loginKind(
  authFile: string,
): Promise<"api_key" | "chatgpt" | "unknown"> {
  const { auth_mode, OPENAI_API_KEY: key, tokens } = await readLogin(authFile);
  if (tokens) return "chatgpt";
  const hasKey = typeof key === "string" && key !== "";
  return hasKey || auth_mode === "apikey" ? "api_key" : "unknown";
}

/** Tells one account from another, for the server's own use; empty where there is none. */
export async function loginAccount(authFile: string): Promise<string> {
  const { tokens } = await readLogin(authFile);
  return String(tokens?.account_id ?? "");
}

interface Login {
  readonly auth_mode?: unknown;
  readonly OPENAI_API_KEY?: unknown;
  readonly tokens?: { readonly account_id?: unknown } | null;
}

// The file belongs to the CLI: whatever is missing or odd in it is no error of ours.
async function readLogin(authFile: string): Promise<Login> {
  try {
    return JSON.parse(await readOrEmpty(authFile)) ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Tells one login from another, also from the same one with a new token.
 *
 * @returns A digest of the file; empty where there is none.
 */
export async function loginId(authFile: string): Promise<string> {
  const text = await readOrEmpty(authFile);
  if (text === "") return "";
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** What is wrong with a login by API key. */
export const API_KEY_PROBLEM: LoginProblem = {
  kind: "api_key",
  isUsable: false,
  found:
    "it is logged in with an API key, for which there is no image tool and which would pay for every call",
  remedy: `${LOGIN_HINT}, with the ChatGPT account`,
};

/**
 * Tells whether there is a file that can be read.
 *
 * @returns False for what is no file: to open a pipe would wait for a writer.
 */
export async function isReadableFile(path: string): Promise<boolean> {
  try {
    const { isFile } = await Deno.stat(path);
    if (!isFile) return false;
    // Not `file.stat()`: that asks for a permission for what the path leads to.
    using _file = await Deno.open(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    if (error instanceof Deno.errors.PermissionDenied) return "";
    throw error;
  }
}

function expiryOf(login: string): number | undefined {
  try {
    const [, claims] = JSON.parse(login).tokens.access_token.split(".");
    const bytes = Uint8Array.fromBase64(claims, { alphabet: "base64url" });
    const { exp } = JSON.parse(new TextDecoder().decode(bytes));
    return Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch (error) {
    // The file belongs to the CLI: whatever is missing or odd in it is no error of ours.
    if (error instanceof SyntaxError || error instanceof TypeError) {
      return undefined;
    }
    throw error;
  }
}

/** The setting of the user's CLI that keeps the login out of `auth.json`. */
const KEYRING =
  /^\s*cli_auth_credentials_store\s*=\s*["'](?:keyring|auto)["']/m;
const KEYRING_REMEDY =
  "log in with \"codex login -c cli_auth_credentials_store='file'\"";

/** What can be wrong with the directory of a login. */
export type LoginProblemKind =
  | "api_key"
  | "foreign"
  | "keyring"
  | "no_directory"
  | "no_login"
  | "read_only"
  | "single_file"
  | "unreadable";

/** Something that is wrong with the directory of a login. */
export interface LoginProblem {
  readonly kind: LoginProblemKind;
  /** Whether the login will do until it must be refreshed. */
  readonly isUsable: boolean;
  /** What is wrong. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy: string;
}

/**
 * Looks for what keeps the CLI from reading the login or from refreshing it, for which it writes a
 * file beside `auth.json` and renames it over that one.
 *
 * @param authHome The directory that should hold `auth.json`.
 * @returns The first trouble; undefined where all is well.
 */
export async function findLoginProblem(
  authHome: string,
): Promise<LoginProblem | undefined> {
  const file = join(authHome, "auth.json");
  const home = await find(() => Deno.stat(authHome));
  if (home === "denied") return unreadable(authHome);
  if (home?.isDirectory !== true) {
    return noLogin("no_directory", `there is no directory "${authHome}"`);
  }
  const entry = await find(() => Deno.lstat(file));
  if (entry === "denied") return unreadable(authHome);
  if (entry === undefined) return missing(authHome);
  if (await isMount(file)) return singleFile(file);
  const login = await find(() => Deno.stat(file));
  if (login === undefined) {
    return noLogin("no_login", `"${file}" is a link that leads nowhere`);
  }
  if (login !== "denied" && !login.isFile) {
    return noLogin("no_login", `"${file}" is no file`);
  }
  if (!await isReadableFile(file)) return unreadable(file);
  if (!await isWritable(authHome)) return unwritable(authHome);
  return undefined;
}

type Found = Deno.FileInfo | "denied" | undefined;

/** Looks at a path; undefined where there is nothing. */
async function find(look: () => Promise<Deno.FileInfo>): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return "denied";
    throw error;
  }
}

function noLogin(kind: LoginProblemKind, found: string): LoginProblem {
  return { kind, isUsable: false, found, remedy: LOGIN_HINT };
}

async function missing(authHome: string): Promise<LoginProblem> {
  const config = join(authHome, "config.toml");
  if (
    await isReadableFile(config) &&
    KEYRING.test(await Deno.readTextFile(config))
  ) {
    return {
      kind: "keyring",
      isUsable: false,
      found:
        `"${config}" keeps the login in the keyring of the system, which the server cannot read`,
      remedy: KEYRING_REMEDY,
    };
  }
  const found = `there is no "auth.json" in "${authHome}"`;
  if (await isWritable(authHome)) return noLogin("no_login", found);
  return {
    ...await unwritable(authHome),
    isUsable: false,
    found: `${found}, and none can be written there`,
  };
}

async function singleFile(file: string): Promise<LoginProblem> {
  return {
    kind: "single_file",
    // Docker makes a directory where the file to mount is missing.
    isUsable: await isReadableFile(file),
    found:
      `"${file}" is mounted as a single file, over which no refreshed login can be renamed`,
    remedy: "mount its directory",
  };
}

async function unreadable(path: string): Promise<LoginProblem> {
  return {
    kind: "unreadable",
    isUsable: false,
    found: `"${path}" cannot be read`,
    remedy: await ownershipRemedy(path),
  };
}

async function unwritable(authHome: string): Promise<LoginProblem> {
  const isOwn = (await ownerOf(authHome))?.user === Deno.uid();
  return {
    kind: isOwn ? "read_only" : "foreign",
    isUsable: true,
    found:
      `"${authHome}" cannot be written, so that the login cannot be refreshed`,
    remedy: await ownershipRemedy(authHome),
  };
}

// The system's own list of mounts is nothing that the server may read.
async function isMount(file: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("df", {
    args: ["-P", "--", file],
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trimEnd().endsWith(` ${file}`);
}

// No call of Deno tells it without writing, which the server may not do there.
async function isWritable(directory: string): Promise<boolean> {
  const { success } = await new Deno.Command("test", {
    args: ["-w", directory],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

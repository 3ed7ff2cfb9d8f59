import { abortable } from "@std/async/abortable";

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

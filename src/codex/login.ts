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
  `^[[:space:]]*cli_auth_credentials_store[[:space:]]*=[[:space:]]*["'](keyring|auto)["']`;
const KEYRING_REMEDY =
  "log in with \"codex login -c cli_auth_credentials_store='file'\"";

/** What can be wrong with the directory of a login. */
export type LoginProblemKind =
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
 * The tools of the system look, because the server itself may not touch that directory.
 *
 * @param authHome The directory that should hold `auth.json`.
 * @returns The first trouble; undefined where all is well.
 */
export async function findLoginProblem(
  authHome: string,
): Promise<LoginProblem | undefined> {
  const file = join(authHome, "auth.json");
  if (!await succeeds("test", "-d", authHome)) {
    return noLogin("no_directory", `there is no directory "${authHome}"`);
  }
  if (!await succeeds("test", "-x", authHome)) return unreadable(authHome);
  if (await isMount(file)) return singleFile(file);
  if (!await succeeds("test", "-e", file)) return missing(authHome);
  if (!await succeeds("test", "-r", file)) return unreadable(file);
  if (!await succeeds("test", "-w", authHome)) return unwritable(authHome);
  return undefined;
}

function noLogin(kind: LoginProblemKind, found: string): LoginProblem {
  return { kind, isUsable: false, found, remedy: LOGIN_HINT };
}

async function missing(authHome: string): Promise<LoginProblem> {
  const file = join(authHome, "auth.json");
  if (await succeeds("test", "-L", file)) {
    return noLogin("no_login", `"${file}" is a link that leads nowhere`);
  }
  const config = join(authHome, "config.toml");
  if (await succeeds("grep", "-Eqs", KEYRING, config)) {
    return {
      kind: "keyring",
      isUsable: false,
      found:
        `"${config}" keeps the login in the keyring of the system, which the server cannot read`,
      remedy: KEYRING_REMEDY,
    };
  }
  const found = `there is no "auth.json" in "${authHome}"`;
  if (await succeeds("test", "-w", authHome)) return noLogin("no_login", found);
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
    isUsable: await succeeds("test", "-f", file, "-a", "-r", file),
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

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

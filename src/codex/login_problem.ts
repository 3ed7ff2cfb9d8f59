import { join } from "@std/path";
import { ownerOf, ownershipRemedy } from "../storage/data_dir.ts";
import { LOGIN_HINT } from "./errors.ts";
import { isReadableFile } from "./login.ts";

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

/** What is wrong with a login by API key. */
export const API_KEY_PROBLEM: LoginProblem = {
  kind: "api_key",
  isUsable: false,
  found:
    "it is logged in with an API key, for which there is no image tool and which would pay for every call",
  remedy: `${LOGIN_HINT}, with the ChatGPT account`,
};

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

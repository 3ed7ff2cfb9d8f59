import { dirname, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { removeIfExists } from "../util.ts";
import { askAppServer, NoAnswerError } from "./app_server.ts";
import { OLDEST_VERSION, workerEnvironment } from "./command.ts";
import { truncate } from "./errors.ts";
import { readLines } from "./events.ts";
import { spawnDetached, terminateWorker } from "./process_tree.ts";
import {
  landlockCommand,
  permissionProfile,
  type ReadGuard,
} from "./read_guard.ts";

/** The version of the CLI that this server is tested with. */
export const TESTED_VERSION: string = manifest.imports["@openai/codex"]
  .replace(/^.*@/, "");

/** How long an answer may take, in milliseconds; usual ones take 10 to 400. */
const ANSWER_MS = 5_000;
/** How many lines an answer may have. */
const MAX_LINES = 1_000;
const VERSION = /^codex\S* (\d+\.\d+\.\d+\S*)$/;

/** How the CLI is called for a question. */
export interface CliSetup {
  /** The native Codex binary. */
  readonly binary: string;
  /** The CLI's home. */
  readonly home: string;
  /** What the tags of all processes of this server begin with. */
  readonly instance: string;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The answer to a question to the CLI. */
export interface CodexStatus {
  /** Whether all is well. */
  readonly ok: boolean;
  /** What the CLI says, or why it cannot be asked. */
  readonly detail: string;
}

/** What the CLI says of its version. */
export interface VersionStatus extends CodexStatus {
  /** Such as `0.169.0`; undefined where it does not tell. */
  readonly version: string | undefined;
  /** Whether it can be started at all. */
  readonly isStartable: boolean;
}

/** Asks the CLI for its version, and tells whether that one is supported. */
export async function codexVersion(setup: CliSetup): Promise<VersionStatus> {
  const { failure, lines, ok } = await runCli(setup, ["--version"]);
  const version = lines.map((line) => VERSION.exec(line)?.[1])
    .find((version) => version !== undefined);
  const range =
    `${OLDEST_VERSION} is the oldest that works, ${TESTED_VERSION} the one that is tested`;
  const remedy = `install that one, or name another in CODEX_BIN`;
  const base = { version, isStartable: failure === undefined };
  if (failure !== undefined) return { ...base, ok: false, detail: failure };
  if (!ok || version === undefined) {
    const said = truncate(lines[0] ?? "nothing in time");
    return {
      ...base,
      version: undefined,
      ok: false,
      detail: `Codex "${setup.binary}" does not tell its version but says ${
        JSON.stringify(said)
      }: ${range}; ${remedy}`,
    };
  }
  if (compareVersions(version, OLDEST_VERSION) < 0) {
    return {
      ...base,
      ok: false,
      detail: `Codex ${version} is not supported: ${range}; ${remedy}`,
    };
  }
  return { ...base, ok: true, detail: `${version} (${range})` };
}

/** Compares two versions by their numbers: negative where the first is older, 0 where they are the same. */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [one, other].map((version) =>
    version.split(/[-+]/, 1)[0].split(".").map(Number)
  );
  const index = first.findIndex((number, index) => number !== second[index]);
  return index === -1 ? 0 : first[index] - second[index];
}

/** Asks the CLI whether it is logged in with ChatGPT, which the image tool needs. */
export async function loginStatus(setup: CliSetup): Promise<CodexStatus> {
  const { failure, lines, ok } = await runCli(setup, ["login", "status"]);
  const detail = failure ?? lines.join("\n");
  return { ok: ok && /ChatGPT/i.test(detail), detail };
}

/** Asks the CLI whether its image tool is switched on. */
export async function imageToolStatus(setup: CliSetup): Promise<CodexStatus> {
  const { failure, lines, ok } = await runCli(setup, ["features", "list"]);
  const row = lines.find((line) => /^image_generation\s/.test(line));
  return {
    ok: ok && row !== undefined && /\strue\s*$/.test(row),
    detail: failure ?? row?.replace(/\s+/g, " ").trim() ??
      "image_generation is unknown",
  };
}

/**
 * Finds out what can keep workers from reading files that are not theirs.
 *
 * The CLI's own way needs bubblewrap and user namespaces, which containers and some systems do not allow.
 */
export async function findReadGuard(setup: CliSetup): Promise<ReadGuard> {
  const { binary } = setup;
  const target = await resolveLinks(setup);
  // A directory whose name is a pattern cannot be named.
  const profile = permissionProfile([dirname(target), setup.home]);
  const { ok } = await runCli(setup, ["sandbox", ...profile, "--", "true"]);
  if (ok) return "profile";
  const { program, args } = landlockCommand(
    { program: binary, args: ["--version"] },
    { readable: [], writable: [setup.home], binary: target, env: setup.env },
  );
  const landlocked = await runCli({ ...setup, binary: program }, args);
  return landlocked.ok ? "landlock" : "none";
}

/**
 * Finds the file that a program's name or path stands for, behind all links.
 *
 * @returns The name itself where there is none.
 */
export async function resolveLinks(setup: CliSetup): Promise<string> {
  const { lines } = await runCli({ ...setup, binary: "sh" }, [
    "-c",
    'readlink -f -- "$(command -v -- "$1")"',
    "sh",
    setup.binary,
  ]);
  return lines[0] ?? setup.binary;
}

/**
 * Has the CLI make its databases once, so that not every worker has to: that costs each 0.1 to 0.3 s.
 *
 * @param directory Where they go; what is there is replaced.
 * @returns Whether there are any.
 */
export async function makeDatabases(
  setup: CliSetup,
  directory: string,
): Promise<boolean> {
  await removeIfExists(directory);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const workerTag = `${setup.instance}.ask-${crypto.randomUUID()}`;
  const question = {
    method: "config/read",
    params: {},
    settings: [`sqlite_home=${JSON.stringify(directory)}`],
  };
  const { signal } = new AbortController();
  try {
    await askAppServer({ ...setup, workerTag }, question, signal);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return false;
  }
  for await (const { name } of Deno.readDir(directory)) {
    if (name.endsWith(".sqlite")) return true;
  }
  return false;
}

/**
 * Copies databases of {@linkcode makeDatabases} for one worker.
 *
 * @param template The directory with them; undefined where there are none.
 */
export async function copyDatabases(
  template: string | undefined,
  directory: string,
): Promise<void> {
  await Deno.mkdir(directory, { mode: 0o700 });
  if (template === undefined) return;
  for await (const { name } of Deno.readDir(template)) {
    await Deno.copyFile(join(template, name), join(directory, name));
  }
}

interface CliAnswer {
  /** Whether it ended well and in time. */
  readonly ok: boolean;
  /** What it printed, without blank lines and warnings. */
  readonly lines: readonly string[];
  /** Why it could not be started. */
  readonly failure?: string;
}

async function runCli(
  setup: CliSetup,
  args: readonly string[],
): Promise<CliAnswer> {
  const workerTag = `${setup.instance}.ask-${crypto.randomUUID()}`;
  const command = {
    program: setup.binary,
    args,
    env: workerEnvironment(setup.env, { ...setup, workerTag }),
    cwd: setup.home,
  };
  let child: Deno.ChildProcess;
  try {
    child = spawnDetached(
      command,
      (reason) => new Error(`Cannot start Codex "${setup.binary}": ${reason}`),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ok: false, lines: [], failure: error.message };
  }
  const ending = new AbortController();
  const late = AbortSignal.timeout(ANSWER_MS);
  const signal = AbortSignal.any([ending.signal, late]);
  const lines: string[] = [];
  const take = (line: string) => {
    if (line.trim() !== "" && !line.startsWith("WARNING")) lines.push(line);
    if (lines.length > MAX_LINES) ending.abort();
  };
  await Promise.all([
    readLines(child.stdout, take, signal),
    readLines(child.stderr, take, signal),
    child.stdin.close(),
  ]);
  if (!signal.aborted) {
    return { ok: (await child.status).success, lines };
  }
  await terminateWorker(child, workerTag);
  return { ok: false, lines };
}

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { startStopwatch } from "../util.ts";

/** The variable that tags every process of a worker; its name survives the CLI's filter for secrets. */
export const WORKER_TAG_VARIABLE = "CODEX_IMAGE_WORKER";

/** How long a process may take to end by itself after SIGTERM, in milliseconds. */
const GRACE_MS = 300;
/** How long the sweep goes on against processes that multiply, in milliseconds. */
const SWEEP_MS = 10_000;
/** How many looks in a row must find nothing: who starts another and ends at once can slip through one. */
const EMPTY_LOOKS = 3;
/** When to look again after a look that failed, in milliseconds: the system may have no process left for it. */
const LOOK_AGAIN_MS = 100;

const PS_ROW =
  /^\s*(?<pid>\d+)\s+(?<parent>\d+)\s+(?<group>\d+)\s+(?<user>\d+)\s+(?<state>\S+)\s+(?<command>.*)$/s;
/**
 * Slim images of Linux have no `ps`, or one that takes other arguments, but a shell that reads what it reads. It tells of the
 * processes of one user, the kernel's own left out: to start two programs for each of the rest takes long enough.
 */
const SHELL_SCRIPT = `for process in /proc/[0-9]*; do
  user= stat=
  while read -r name number rest; do
    [ "$name" = Uid: ] && user=$number && break
  done < "$process/status"
  [ "$user" = "$1" ] || continue
  while IFS= read -r line; do stat="$stat $line"; done < "$process/stat"
  case "\${stat##*\\)}" in ""|" Z "*|" "?" 2 "*) continue ;; esac
  printf '%s%s ' "$user" "$stat"
  tr '\\0\\n' '  ' < "$process/cmdline"
  printf ␟
  tr '\\0\\n' '  ' < "$process/environ"
  echo
done 2>/dev/null`;
/** A name in parentheses may hold others, which no number after it does. */
const SHELL_ROW =
  /^(?<user>\d+) (?<pid>\d+) \(.{0,64}\) (?<state>\S) (?<parent>\d+) (?<group>\d+) (?:\S+ ){46}\S+ +(?<command>[^␟]*)␟(?<environment>.*)$/s;

/** One running process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The number of the user whom it runs as. */
  readonly user: number;
  /** The command line; where `environment` is not known, maybe with the environment behind it. */
  readonly command: string;
  /** The environment, empty where it may not be seen; not known where only one look at both was taken. */
  readonly environment?: string;
}

/** Where to look for processes. */
export interface LookOptions {
  /** The worker's process group. */
  readonly group?: number;
  /** Where the programs that list processes are looked for, instead of in `PATH`. */
  readonly searchPath?: string;
}

/** A program to start, and all that it gets to know. */
export interface DetachedCommand {
  /** The program. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd: string;
}

/**
 * Starts a program as the leader of a session and a process group of its own, with pipes for its input and output.
 *
 * @param fail Makes the error of a program that cannot be started, out of the reason.
 */
export function spawnDetached(
  { program, args, env, cwd }: DetachedCommand,
  fail: (reason: string) => Error,
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      cwd,
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw fail(error.message);
  }
}

/**
 * Lists the running processes of this machine, without zombies; where there is no `ps`, those of our own user alone.
 *
 * @param searchPath See {@linkcode LookOptions}.
 * @throws {Error} They cannot be listed.
 */
export async function listProcesses(
  searchPath?: string,
): Promise<ProcessRow[]> {
  try {
    const fields = "pid=,ppid=,pgid=,uid=,stat=,command=";
    const lines = await run("ps", ["axeww", "-o", fields], searchPath);
    return readRows(lines, PS_ROW);
  } catch {
    const lines = await run(
      "sh",
      ["-c", SHELL_SCRIPT, "sh", String(Deno.uid())],
      searchPath,
    );
    return readRows(lines, SHELL_ROW);
  }
}

/**
 * Finds the running processes of a worker, by {@linkcode processesOf}.
 *
 * @throws {Error} They cannot be listed.
 */
export async function findProcesses(
  workerTag: string,
  options: LookOptions = {},
): Promise<ProcessRow[]> {
  const rows = await listProcesses(options.searchPath);
  return await pickProcesses(rows, workerTag, options);
}

/**
 * Picks the processes of a worker out of those of our own user: those with its tag, those of its process group, and all
 * their descendants.
 *
 * A process that left its group and its session still has the tag in its environment. A tag in a command line is nothing:
 * anybody can write one there.
 *
 * @param workerTag The tag, or with a `*` at its end the beginning of many tags.
 * @param group The worker's process group.
 */
export function processesOf(
  rows: readonly ProcessRow[],
  workerTag: string,
  group?: number,
): ProcessRow[] {
  const own = rows.filter(({ user }) => user === Deno.uid());
  const picked = new Map<number, ProcessRow>();
  let found = own.filter((row) =>
    row.group === group || hasTag(row.environment ?? "", workerTag)
  );
  while (found.length > 0) {
    for (const row of found) picked.set(row.pid, row);
    found = own.filter((row) => !picked.has(row.pid) && picked.has(row.parent));
  }
  picked.delete(Deno.pid);
  return [...picked.values()];
}

/**
 * Ends a worker: SIGTERM to its process group, then SIGKILL to whatever is left, wherever it went.
 *
 * @param child The worker's first process, the leader of its group.
 * @param workerTag What tags its processes.
 * @param searchPath See {@linkcode LookOptions}.
 */
export async function terminateWorker(
  child: Deno.ChildProcess,
  workerTag: string,
  searchPath?: string,
): Promise<void> {
  signalProcess(-child.pid, "SIGTERM");
  try {
    await deadline(child.status, GRACE_MS);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // Not reaped yet, so that the number is still its own.
    signalProcess(-child.pid, "SIGKILL");
  }
  await killAll(workerTag, { group: child.pid, searchPath });
  await child.status;
}

/**
 * Kills every process of a worker, and those that appear meanwhile; those that may not be signalled are left alone.
 *
 * @param workerTag See {@linkcode processesOf}.
 * @returns How many were killed.
 * @throws {Error} Some are left after ten seconds, or nobody can tell.
 */
export async function killAll(
  workerTag: string,
  options: LookOptions = {},
): Promise<number> {
  const killed = new Set<number>();
  const foreign = new Set<number>();
  const elapsed = startStopwatch();
  for (let empty = 0; empty < EMPTY_LOOKS;) {
    const left = (await findWithRetry(workerTag, options, elapsed))
      .filter(({ pid }) => !foreign.has(pid));
    empty = left.length === 0 ? empty + 1 : 0;
    if (left.length > 0 && elapsed() > SWEEP_MS) {
      throw new Error(
        `Cannot end a worker: ${left.length} processes are left`,
      );
    }
    for (const { pid } of left) {
      if (signalProcess(pid, "SIGKILL")) killed.add(pid);
      else foreign.add(pid);
    }
  }
  return killed.size;
}

/**
 * Sends a signal to a process, or with a negative number to a group.
 *
 * @returns False where we may not; true also where it has ended already.
 */
export function signalProcess(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    // It ended between the look and the signal.
    if (error instanceof Deno.errors.NotFound) return true;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

async function pickProcesses(
  rows: readonly ProcessRow[],
  workerTag: string,
  { group, searchPath }: LookOptions,
): Promise<ProcessRow[]> {
  const maybe = rows.filter((row) =>
    row.environment === undefined && hasTag(row.command, workerTag)
  );
  const told = maybe.length === 0
    ? rows
    : await tellEnvironments(rows, maybe, searchPath);
  return processesOf(told, workerTag, group);
}

// Only together with the command line alone can it be told from the environment that follows it.
async function tellEnvironments(
  rows: readonly ProcessRow[],
  maybe: readonly ProcessRow[],
  searchPath?: string,
): Promise<ProcessRow[]> {
  // With this process among them, it fails only where it cannot tell.
  const pids = [Deno.pid, ...maybe.map(({ pid }) => pid)];
  const lines = await run(
    "ps",
    ["ww", "-o", "pid=,command=", "-p", pids.join()],
    searchPath,
  );
  const commandOf = new Map(
    lines.map((line) => {
      const [, pid, command] = /^\s*(\d+) (.*)$/s.exec(line) ?? [];
      return [Number(pid), command];
    }),
  );
  return rows.map((row) => {
    if (!maybe.includes(row)) return row;
    const command = commandOf.get(row.pid);
    // It ended, or became another program, between the two: all of it may be environment.
    if (command === undefined || !row.command.startsWith(command)) {
      return { ...row, environment: row.command };
    }
    return { ...row, command, environment: row.command.slice(command.length) };
  });
}

function readRows(lines: readonly string[], pattern: RegExp): ProcessRow[] {
  return lines.flatMap((line) => {
    const fields = pattern.exec(line)?.groups;
    if (fields === undefined || fields.state.startsWith("Z")) return [];
    return [{
      pid: Number(fields.pid),
      parent: Number(fields.parent),
      group: Number(fields.group),
      user: Number(fields.user),
      command: fields.command,
      environment: fields.environment,
    }];
  });
}

async function run(
  program: string,
  args: readonly string[],
  searchPath?: string,
): Promise<readonly string[]> {
  const { code, stdout, success } = await new Deno.Command(program, {
    args: [...args],
    env: searchPath === undefined ? {} : { PATH: searchPath },
    stdin: "null",
    stderr: "null",
  }).output();
  // What it did not list would look like nothing.
  if (!success) {
    throw new Error(`Cannot list processes: ${program} ended with ${code}`);
  }
  return new TextDecoder().decode(stdout).split("\n");
}

function hasTag(environment: string, workerTag: string): boolean {
  const assignment = ` ${WORKER_TAG_VARIABLE}=${workerTag}`;
  return workerTag.endsWith("*")
    ? ` ${environment}`.includes(assignment.slice(0, -1))
    : ` ${environment} `.includes(`${assignment} `);
}

let present: Promise<unknown> = Promise.resolve();
let next: Promise<ProcessRow[]> | undefined;

/**
 * Lists the processes once for all who ask before it begins: workers that end together need no look each.
 *
 * Nobody joins a look that has begun, which may have passed what they are after.
 */
function listTogether(): Promise<ProcessRow[]> {
  return next ??= present.then(() => {
    const look = listProcesses();
    next = undefined;
    // Whoever waits for the look is told when it fails; the one after it begins all the same.
    present = look.catch(() => undefined);
    return look;
  });
}

async function findWithRetry(
  workerTag: string,
  options: LookOptions,
  elapsed: () => number,
): Promise<ProcessRow[]> {
  while (true) {
    try {
      const rows = await (options.searchPath === undefined
        ? listTogether()
        : listProcesses(options.searchPath));
      return await pickProcesses(rows, workerTag, options);
    } catch (error) {
      // Without the program no later look will do.
      if (error instanceof Deno.errors.NotFound || elapsed() > SWEEP_MS) {
        throw error;
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}

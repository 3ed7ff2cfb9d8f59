import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { startStopwatch } from "../util.ts";
import { WORKER_TAG_VARIABLE } from "./command.ts";

/** One running process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The command line, followed by the environment. */
  readonly command: string;
}

interface ProcessLister {
  readonly program: string;
  readonly args: readonly string[];
  /** Finds pid, parent, group, state and command in a line, by these names. */
  readonly row: RegExp;
}

const PS: ProcessLister = {
  program: "ps",
  args: ["axeww", "-o", "pid=,ppid=,pgid=,stat=,command="],
  row:
    /^\s*(?<pid>\d+)\s+(?<parent>\d+)\s+(?<group>\d+)\s+(?<state>\S+)\s+(?<command>.*)$/s,
};

/** Slim images of Linux have no `ps`, or one that takes other arguments, but a shell that reads what it reads. */
const SHELL: ProcessLister = {
  program: "sh",
  args: [
    "-c",
    `for process in /proc/[0-9]*; do
      cat "$process/stat" "$process/cmdline" "$process/environ" | tr '\\0\\n' '  '
      echo
    done 2>/dev/null`,
  ],
  // A name in parentheses may hold others, which no number after it does.
  row:
    /^(?<pid>\d+) \(.{0,64}\) (?<state>\S) (?<parent>\d+) (?<group>\d+) (?:\S+ ){46}\S+ +(?<command>.*)$/s,
};

/**
 * Lists the running processes of this machine, without zombies.
 *
 * @throws {Error} They cannot be listed.
 */
export async function listProcesses(): Promise<ProcessRow[]> {
  try {
    return await listBy(PS);
  } catch {
    return await listBy(SHELL);
  }
}

async function listBy(
  { args, program, row }: ProcessLister,
): Promise<ProcessRow[]> {
  const { code, stdout, success } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stderr: "null",
  }).output();
  // What it did not list would look like nothing.
  if (!success) {
    throw new Error(`Cannot list processes: ${program} ended with ${code}`);
  }
  const rows: ProcessRow[] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const { pid, parent, group, state, command } = row.exec(line)?.groups ?? {};
    if (pid === undefined || state.startsWith("Z")) continue;
    rows.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      command,
    });
  }
  return rows;
}

/** How long a process may take to end by itself after SIGTERM, in milliseconds. */
const GRACE_MS = 300;
/** How long the sweep goes on against processes that multiply, in milliseconds. */
const SWEEP_MS = 10_000;
/** How many looks in a row must find nothing: who starts another and ends at once can slip through one. */
const EMPTY_LOOKS = 3;
/** When to look again after a look that failed, in milliseconds: the system may have no process left for it. */
const LOOK_AGAIN_MS = 100;

/**
 * Picks the processes of a worker: those that carry its mark, those of its process group, and all
 * their descendants.
 *
 * A process that left its group and its session still has the mark in its environment.
 *
 * @param workerTag The mark, or with a `*` at its end the beginning of many marks.
 * @param group The worker's process group.
 */
export function processesOf(
  rows: readonly ProcessRow[],
  workerTag: string,
  group?: number,
): ProcessRow[] {
  const assignment = workerTag.endsWith("*")
    ? ` ${WORKER_TAG_VARIABLE}=${workerTag.slice(0, -1)}`
    : ` ${WORKER_TAG_VARIABLE}=${workerTag} `;
  const picked = new Map<number, ProcessRow>();
  let found = rows.filter((row) =>
    row.group === group || `${row.command} `.includes(assignment)
  );
  while (found.length > 0) {
    for (const row of found) picked.set(row.pid, row);
    found = rows.filter((row) =>
      !picked.has(row.pid) && picked.has(row.parent)
    );
  }
  picked.delete(Deno.pid);
  return [...picked.values()];
}

/**
 * Ends a worker: SIGTERM to its process group, then SIGKILL to whatever is left, wherever it went.
 *
 * @param child The worker's first process, the leader of its group.
 * @param workerTag What marks its processes.
 */
export async function terminateWorker(
  child: Deno.ChildProcess,
  workerTag: string,
): Promise<void> {
  signalProcess(-child.pid, "SIGTERM");
  try {
    await deadline(child.status, GRACE_MS);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // Not reaped yet, so that the number is still its own.
    signalProcess(-child.pid, "SIGKILL");
  }
  await killAll(workerTag, child.pid);
  await child.status;
}

/**
 * Kills every process of a worker, and those that appear meanwhile.
 *
 * @param workerTag See {@linkcode processesOf}.
 * @param group The worker's process group.
 * @returns How many were killed.
 * @throws {Error} Some are left after ten seconds, or nobody can tell.
 */
export async function killAll(
  workerTag: string,
  group?: number,
): Promise<number> {
  const killed = new Set<number>();
  const elapsed = startStopwatch();
  for (let empty = 0; empty < EMPTY_LOOKS;) {
    const rows = await listWithRetry(SWEEP_MS, elapsed);
    const left = processesOf(rows, workerTag, group);
    empty = left.length === 0 ? empty + 1 : 0;
    if (left.length > 0 && elapsed() > SWEEP_MS) {
      throw new Error(
        `Cannot end worker "${workerTag}": ${left.length} processes are left`,
      );
    }
    for (const { pid } of left) {
      signalProcess(pid, "SIGKILL");
      killed.add(pid);
    }
  }
  return killed.size;
}

async function listWithRetry(
  ms: number,
  elapsed: () => number,
): Promise<ProcessRow[]> {
  while (true) {
    try {
      return await listProcesses();
    } catch (error) {
      // Without the program no later look will do.
      if (error instanceof Deno.errors.NotFound || elapsed() > ms) throw error;
      await delay(LOOK_AGAIN_MS);
    }
  }
}

function signalProcess(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
}

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { startStopwatch } from "../stopwatch.ts";
import { MARK_VARIABLE } from "./environment.ts";
import { listProcesses, type ProcessRow } from "./process_list.ts";

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
 * @param mark The mark, or with a `*` at its end the beginning of many marks.
 * @param group The worker's process group.
 */
export function processesOf(
  rows: readonly ProcessRow[],
  mark: string,
  group?: number,
): ProcessRow[] {
  const assignment = mark.endsWith("*")
    ? ` ${MARK_VARIABLE}=${mark.slice(0, -1)}`
    : ` ${MARK_VARIABLE}=${mark} `;
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
 * @param mark What marks its processes.
 */
export async function endWorker(
  child: Deno.ChildProcess,
  mark: string,
): Promise<void> {
  signalProcess(-child.pid, "SIGTERM");
  try {
    await deadline(child.status, GRACE_MS);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // Not reaped yet, so that the number is still its own.
    signalProcess(-child.pid, "SIGKILL");
  }
  await killAll(mark, child.pid);
  await child.status;
}

/**
 * Kills every process of a worker, and those that appear meanwhile.
 *
 * @param mark See {@linkcode processesOf}.
 * @param group The worker's process group.
 * @returns How many were killed.
 * @throws {Error} Some are left after ten seconds, or nobody can tell.
 */
export async function killAll(mark: string, group?: number): Promise<number> {
  const killed = new Set<number>();
  const elapsed = startStopwatch();
  for (let empty = 0; empty < EMPTY_LOOKS;) {
    const rows = await lookUntil(SWEEP_MS, elapsed);
    const left = processesOf(rows, mark, group);
    empty = left.length === 0 ? empty + 1 : 0;
    if (left.length > 0 && elapsed() > SWEEP_MS) {
      throw new Error(
        `Cannot end worker "${mark}": ${left.length} processes are left`,
      );
    }
    for (const { pid } of left) {
      signalProcess(pid, "SIGKILL");
      killed.add(pid);
    }
  }
  return killed.size;
}

async function lookUntil(
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

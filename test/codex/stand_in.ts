import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  findProcesses,
  type ProcessRow,
} from "../../src/codex/process_tree.ts";
import {
  startWorker,
  type Worker,
  type WorkerEnvironment,
  type WorkerTask,
} from "../../src/codex/worker.ts";
import { probeUnfinished } from "../../src/images/probe.ts";

/** The thread of every stand-in. */
export const THREAD = "01a2051f-e2fa-70a0-92af-cd63a768510e";
/** How soon every process of a worker must be gone, in milliseconds. */
export const END_MS = 2_000;

/** A shell script in the place of the CLI, in directories of its own. */
export interface StandIn extends AsyncDisposable {
  readonly home: string;
  /** Where the CLI would put pictures of {@linkcode THREAD}. */
  readonly pictures: string;
  /** The worker's directory, in which the script runs. */
  readonly directory: string;
  /** Starts a worker that runs the script, or another program. */
  start(signal: AbortSignal, options?: StandInOptions): Worker;
  /** The processes that are there now. */
  processes(): Promise<readonly ProcessRow[]>;
}

/** What is special about a worker of a {@linkcode StandIn}. */
export interface StandInOptions extends Partial<WorkerTask> {
  /** The program to run. */
  readonly binary?: string;
}

/**
 * Writes a stand-in for the CLI.
 *
 * @param script What it does, in the words of bash. `$PICTURES` is the directory for pictures, and
 * `thread` begins the thread.
 */
export async function openStandIn(script: string): Promise<StandIn> {
  const root = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const home = join(root, "home");
  const directory = join(root, "work", "1");
  const binary = join(root, "stand-in");
  await Deno.writeTextFile(
    binary,
    `#!/usr/bin/env bash
PICTURES=$CODEX_HOME/generated_images/${THREAD}
thread() { mkdir -p "$PICTURES"; echo '{"type":"thread.started","thread_id":"${THREAD}"}'; }
${script}
`,
  );
  await Deno.chmod(binary, 0o755);
  await Deno.mkdir(home);
  const workerTag = `test-${crypto.randomUUID()}.1`;
  const setup: WorkerEnvironment = {
    binary,
    binaryFile: binary,
    home,
    authHome: home,
    instance: workerTag,
    databases: undefined,
    readGuard: "none",
    instructionsFile: join(home, "instructions.md"),
    model: undefined,
    upstreamUrl: undefined,
    env: Deno.env.toObject(),
    check: probeUnfinished,
  };
  const task: WorkerTask = {
    input: "words",
    images: [],
    directory,
    workerTag,
    minimalInstructions: true,
  };
  return {
    home,
    directory,
    pictures: join(home, "generated_images", THREAD),
    start: (signal, { binary, ...options } = {}) =>
      startWorker(
        { ...setup, binary: binary ?? setup.binary },
        { ...task, ...options },
        signal,
      ),
    processes: () => findProcesses(workerTag),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/**
 * Waits for the end of a worker and makes sure that nothing of it is left.
 *
 * @param ms How long the end may take, in milliseconds.
 */
export async function assertEnds(
  standIn: StandIn,
  worker: Worker,
  ms: number = END_MS,
): Promise<void> {
  const begun = Date.now();
  await worker.ended;
  const took = Date.now() - begun;
  assertEquals(await standIn.processes(), []);
  assertEquals(await namesIn(join(standIn.directory, "..")), []);
  assertEquals(await namesIn(join(standIn.pictures, "..")), []);
  assert(took < ms, `the end took ${took} ms`);
}

/** The names in a directory; none where it is missing. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

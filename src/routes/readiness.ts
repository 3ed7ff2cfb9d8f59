import type { Codex } from "../codex/codex.ts";
import type { FairQueue } from "../generation/fair_queue.ts";
import { findFolderProblem, freeBytes } from "../storage/free_space.ts";
import type { OutputFolder } from "../storage/output_folder.ts";
import { startStopwatch } from "../util.ts";

/** How long an answer is good for, in milliseconds. */
const CACHE_MS = 30_000;
const MIB = 1_048_576;

/** One thing that must be in order. */
export interface Check {
  /** What is checked. */
  readonly name: string;
  /** Whether it is in order. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
}

/** What is checked. */
export interface ReadinessOptions {
  readonly codex: Codex;
  /** Where pictures are kept. */
  readonly folder: OutputFolder;
  /** Where the server keeps its own files. */
  readonly dataDir: string;
  /** How much space has to be free, in bytes. */
  readonly minFreeBytes: number;
  readonly slots: FairQueue;
}

/** Tells whether a generation would have what it needs. */
export type Readiness = () => Promise<readonly Check[]>;

/** Makes a {@linkcode Readiness} that remembers for 30 seconds what it has to start programs for. */
export function createReadiness(options: ReadinessOptions): Readiness {
  let answer: Promise<readonly Check[]> | undefined;
  let age = startStopwatch();
  return async () => {
    if (answer === undefined || age() > CACHE_MS) {
      age = startStopwatch();
      answer = checkPrograms(options);
    }
    // Nobody has to be asked about these, so that they are never out of date.
    return Promise.all([
      ...await answer,
      named("output_writable", checkFolder(options)),
      named("free_disk", checkFreeDisk(options)),
      checkUsageLimit(options.slots),
    ]);
  };
}

function checkUsageLimit({ load }: FairQueue): Check {
  const { paused } = load;
  return {
    name: "usage_limit",
    ok: paused === undefined,
    detail: paused === undefined
      ? "none known"
      : `reached, until ${
        new Date(paused.until).toISOString()
      } at the latest; a login with another account, or POST /v1/queue/resume, ends the pause`,
  };
}

function checkPrograms(
  { codex }: ReadinessOptions,
): Promise<readonly Check[]> {
  return Promise.all([
    named("codex", codex.checkVersion()),
    named("login", codex.checkLogin()),
    named("login_writable", codex.checkLoginWritable()),
    named("image_tool", codex.checkImageTool()),
    named("system_config", codex.checkSystemConfig()),
  ]);
}

async function named(
  name: string,
  check: Promise<Omit<Check, "name">>,
): Promise<Check> {
  try {
    const { ok, detail } = await check;
    return { name, ok, detail };
  } catch (error) {
    // To be unable to look is an answer too.
    if (!(error instanceof Error)) throw error;
    return { name, ok: false, detail: `Cannot check: ${error.message}` };
  }
}

async function checkFolder(
  { folder }: ReadinessOptions,
): Promise<Omit<Check, "name">> {
  const problem = await findFolderProblem(folder);
  return problem === undefined
    ? { ok: true, detail: folder.path }
    : { ok: false, detail: problem };
}

async function checkFreeDisk(
  { dataDir, folder, minFreeBytes }: ReadinessOptions,
): Promise<Omit<Check, "name">> {
  try {
    const free = await freeBytes(folder.path, dataDir);
    const detail = `${Math.floor(free / MIB)} MiB free`;
    return { ok: free >= minFreeBytes, detail };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const detail = `Cannot tell the free space: ${error.message}`;
    return { ok: false, detail };
  }
}

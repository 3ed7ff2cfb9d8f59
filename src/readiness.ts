import type { Codex } from "./codex/codex.ts";
import type { Slots } from "./generation/slots.ts";
import { isWritable } from "./own_directory.ts";

/** How long an answer is good for, in milliseconds. */
const CACHE_MS = 30_000;
/** Less free space than this is not ready, in KiB: a request of four large pictures takes about half. */
const MIN_FREE_KIB = 262_144;

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
  readonly outputDir: string;
  readonly slots: Slots;
}

/** Tells whether a generation would have what it needs. */
export type Readiness = () => Promise<readonly Check[]>;

/** Makes a {@linkcode Readiness} that remembers its answer for 30 seconds. */
export function createReadiness(options: ReadinessOptions): Readiness {
  let answer: Promise<readonly Check[]> | undefined;
  let askedAt = 0;
  return async () => {
    if (answer === undefined || Date.now() - askedAt > CACHE_MS) {
      askedAt = Date.now();
      answer = checkAll(options);
    }
    // A pause is known without asking anybody, so that it is never out of date.
    return [...await answer, checkUsageLimit(options.slots)];
  };
}

function checkUsageLimit({ load }: Slots): Check {
  const { pausedUntil } = load;
  return {
    name: "usage_limit",
    ok: pausedUntil === undefined,
    detail: pausedUntil === undefined
      ? "none known"
      : `reached, until ${new Date(pausedUntil).toISOString()}`,
  };
}

function checkAll(options: ReadinessOptions): Promise<readonly Check[]> {
  const { codex, outputDir } = options;
  return Promise.all([
    named("codex", codex.checkVersion()),
    named("login", codex.checkLogin()),
    named("login_writable", codex.checkLoginWritable()),
    named("output_writable", checkWritable(outputDir)),
    named("free_disk", checkFreeDisk(outputDir)),
    named("image_tool", codex.checkImageTool()),
  ]);
}

async function named(
  name: string,
  check: Promise<Omit<Check, "name">>,
): Promise<Check> {
  const { ok, detail } = await check;
  return { name, ok, detail };
}

async function checkWritable(directory: string): Promise<Omit<Check, "name">> {
  const ok = await isWritable(directory);
  return { ok, detail: ok ? directory : `Cannot write to "${directory}"` };
}

async function checkFreeDisk(directory: string): Promise<Omit<Check, "name">> {
  const { success, stdout } = await new Deno.Command("df", {
    args: ["-Pk", "--", directory],
    stdin: "null",
    stderr: "null",
  }).output();
  const row = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  const free = Number(row.split(/\s+/)[3]);
  if (!success || !Number.isFinite(free)) {
    return {
      ok: false,
      detail: `Cannot tell the free space of "${directory}"`,
    };
  }
  return {
    ok: free >= MIN_FREE_KIB,
    detail: `${Math.floor(free / 1024)} MiB free`,
  };
}

import { join } from "@std/path";
import { filesIn } from "../../test/support/test_server.ts";
import type { ServerProcess } from "../../test/support/server_process.ts";

const KIB_PER_MB = 1_000_000 / 1_024;
/** How often memory is looked at, in milliseconds. */
const LOOK_MS = 500;

/** What a server takes of its machine. */
export interface Reading {
  /** Its resident memory, in megabytes. */
  readonly megabytes: number;
  /** How many files and connections it has open. */
  readonly openFiles: number;
  /** How many processes of workers there are. */
  readonly processes: number;
  /** How many files there are that should be gone by the end of a request. */
  readonly tempFiles: number;
  /** How many pictures are stored. */
  readonly pictures: number;
}

/** Tells the most memory that a server ever had, in megabytes. */
export async function peakMegabytes({ pid }: ServerProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / KIB_PER_MB);
}

/**
 * Looks at the memory of a server again and again, for one look depends on when garbage was last collected.
 *
 * @returns What ends the looking, and tells the median, in megabytes.
 */
export function watchMemory({ pid }: ServerProcess): () => number {
  const looks: number[] = [];
  const timer = setInterval(() => looks.push(residentMegabytes(pid)), LOOK_MS);
  return () => {
    clearInterval(timer);
    const sorted = looks.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
}

/** Looks at a server from outside. */
export async function takeReading(server: ServerProcess): Promise<Reading> {
  const { dataDir, outputDir } = server.place;
  const pid = `${server.pid}`;
  const work = filesIn(join(dataDir, "work"));
  const stored = filesIn(outputDir);
  const temps = stored.filter((name) => name.endsWith(".tmp"));
  return {
    megabytes: residentMegabytes(server.pid),
    openFiles: (await run("ls", `/proc/${pid}/fd`)).trim().split("\n").length,
    processes: (await server.processes()).length,
    tempFiles: work.length + temps.length,
    pictures: stored.filter((name) => name.endsWith(".json")).length,
  };
}

function residentMegabytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return Math.round(kib / KIB_PER_MB * 10) / 10;
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args }).output();
  return new TextDecoder().decode(stdout);
}

import { delay } from "@std/async/delay";
import { findProcesses } from "../../src/codex/process_tree.ts";

const SAMPLE_MS = 100;

/**
 * Runs something and tells how much memory its workers held at most.
 *
 * @param mark What marks the workers; with a `*` at its end, what their marks begin with.
 * @returns The largest sum of their resident memory, in MiB; what processes share counts for each.
 */
export async function peakMemory(
  mark: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const over = new AbortController();
  let peak = 0;
  const watching = (async () => {
    while (!over.signal.aborted) {
      const pids = (await findProcesses(mark))
        .map(({ pid }) => pid);
      if (pids.length > 0) peak = Math.max(peak, await residentKib(pids));
      await delay(SAMPLE_MS);
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await watching;
  }
  return peak / 1024;
}

async function residentKib(pids: readonly number[]): Promise<number> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "rss=", "-p", pids.join(",")],
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).split("\n")
    .reduce((sum, row) => sum + Number(row), 0);
}

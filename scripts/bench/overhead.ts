import { measureCost, type MeasureOptions } from "./cost.ts";
import type { Server } from "./server.ts";
import { median } from "./table.ts";
import type { Ways } from "./ways.ts";

/** What the server adds to a worker, in milliseconds. */
export interface Overhead {
  /** The median request to the server less the median bare worker. */
  readonly overBare: number;
  /** The median part of a request in which the server did not wait for its worker. */
  readonly outsideWorker: number;
}

/**
 * Measures what the server adds, with a backend that answers at once.
 *
 * @param runs How often each is done, in turns.
 */
export async function measureOverhead(
  { bare, one, server }: Ways,
  runs: number,
  options: MeasureOptions,
): Promise<Overhead> {
  const bareTimes: number[] = [];
  const times: number[] = [];
  const outside: number[] = [];
  for (let run = 0; run < runs; run++) {
    bareTimes.push((await measureCost(bare, options)).ms);
    const { ms } = await measureCost(one, options);
    times.push(ms);
    outside.push(ms - lastWorkerTime(server));
  }
  return {
    overBare: median(times) - median(bareTimes),
    outsideWorker: median(outside),
  };
}

function lastWorkerTime({ log }: Server): number {
  const line = log.findLast(({ event }) => event === "codex.exec.success");
  return line?.duration_ms ?? 0;
}

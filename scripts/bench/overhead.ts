import { type Cost, measureCost, type MeasureOptions } from "./cost.ts";
import type { Server } from "./server.ts";
import { median } from "./table.ts";
import type { Ways } from "./ways.ts";

/** What the server adds to a worker, in milliseconds. */
export interface Overhead {
  /** The median request to the server less the median bare worker. */
  readonly overBare: number;
  /** The median part of a request in which the server did not wait for its worker. */
  readonly outsideWorker: number;
  /** The median bare worker, with databases that are copied. */
  readonly copied: WorkerStart;
  /** The same, with databases that it makes. */
  readonly fresh: WorkerStart;
}

/** What the start of a worker takes, in milliseconds. */
export interface WorkerStart {
  /** From its start to its first call to the model. */
  readonly toModel: number;
  /** Processor time from its start to its end. */
  readonly cpu: number;
}

/**
 * Measures what the server adds, with a backend that answers at once.
 *
 * @param runs How often each is done, in turns.
 */
export async function measureOverhead(
  { bare, fresh, one, server }: Ways,
  runs: number,
  options: MeasureOptions,
): Promise<Overhead> {
  const bareCosts: Cost[] = [];
  const freshCosts: Cost[] = [];
  const times: number[] = [];
  const outside: number[] = [];
  for (let run = 0; run < runs; run++) {
    bareCosts.push(await measureCost(bare, options));
    freshCosts.push(await measureCost(fresh, options));
    const { ms } = await measureCost(one, options);
    times.push(ms);
    outside.push(ms - lastWorkerTime(server));
  }
  return {
    overBare: median(times) - median(bareCosts.map(({ ms }) => ms)),
    outsideWorker: median(outside),
    copied: startOf(bareCosts),
    fresh: startOf(freshCosts),
  };
}

function startOf(costs: readonly Cost[]): WorkerStart {
  return {
    toModel: median(costs.map(({ msToModel }) => msToModel)),
    cpu: median(costs.map(({ childCpuMs }) => childCpuMs)),
  };
}

function lastWorkerTime({ log }: Server): number {
  const line = log.findLast(({ event }) => event === "codex.exec.success");
  return line?.duration_ms ?? 0;
}

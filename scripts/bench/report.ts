import type { Cost } from "./cost.ts";
import type { Overhead } from "./overhead.ts";
import type { Samples } from "./samples.ts";
import { median, type Row, writeTable } from "./table.ts";
import type { Throughput } from "./throughput.ts";
import { DIRECT_MODEL } from "./ways.ts";

const KB = 1000;
const COLUMNS = ["codex exec", "one", `one, ${DIRECT_MODEL}`, "four"];

/** Everything that was measured. */
export interface Measurements {
  /** In the order of the columns. */
  readonly samples: readonly Samples[];
  readonly overhead: Overhead;
  /** Of `/healthz` and of a file, beside a bare `Deno.serve` that sends the same. */
  readonly health: Compared;
  readonly download: Compared;
}

/** The throughput of the server, and what is to be had on this machine. */
export interface Compared {
  readonly server: Throughput;
  readonly bare: Throughput;
}

/** Writes what was measured as one table, with what is aimed at beside it. */
export function report(measured: Measurements): string {
  const { download, health, overhead, samples } = measured;
  const [, one, , four] = samples;
  const cost = (name: string, pick: (cost: Cost) => number, more = {}) => ({
    name,
    values: samples.map(({ costs }) => median(costs.map(pick))),
    ...more,
  });
  const other = (name: string, pick: (samples: Samples) => number[]): Row => ({
    name,
    values: samples.map((samples) => median(pick(samples))),
  });
  const server = (name: string, value: number, more = {}): Row => ({
    name,
    values: [undefined, value],
    ...more,
  });
  const seconds = ({ costs }: Samples) => median(costs.map(({ ms }) => ms));
  return writeTable(COLUMNS, [
    cost("first call to the model, kB", (cost) => cost.firstCall.bytes / KB, {
      digits: 1,
      aim: `16.5, ${DIRECT_MODEL} 7.2`,
    }),
    cost("  as it travels, kB", (cost) => cost.firstCall.wire / KB, {
      digits: 1,
    }),
    cost("calls to the model for an image", (cost) => cost.calls, {
      digits: 2,
      aim: "1",
    }),
    cost("bytes to the model for an image, kB", (cost) => cost.bytes / KB, {
      digits: 1,
    }),
    cost("other requests for an image", (cost) => cost.others, { digits: 1 }),
    cost("request to answer, s", ({ ms }) => ms / 1000, { digits: 2 }),
    {
      name: "  four against one",
      values: [, , , seconds(four) / seconds(one)],
      digits: 2,
      aim: "1.5",
    },
    cost("  after the backend drew the picture, ms", (c) => c.msAfterDrawn),
    cost("  after the picture is whole on disk, ms", (c) => c.msAfterWhole, {
      aim: "100",
    }),
    { ...other("cancel to last process, ms", (s) => s.cancels), aim: "2000" },
    other("memory of the workers, MiB", (s) => s.memory),
    server("over the bare worker, ms", overhead.overBare, { aim: "30" }),
    server("  outside of the worker, ms", overhead.outsideWorker),
    server("worker's start to the model, ms", overhead.copied.toModel),
    server("  with databases of its own, ms", overhead.fresh.toModel),
    server("worker's processor time, ms", overhead.copied.cpu),
    server("  with databases of its own, ms", overhead.fresh.cpu),
    server("/healthz, requests a second", health.server.requests, {
      aim: "12000",
    }),
    server("  of a bare Deno.serve", health.bare.requests),
    server("file, requests a second", download.server.requests, {
      aim: "150",
    }),
    server("  of a bare Deno.serve", download.bare.requests),
    server("file, MB a second", download.server.bytes / KB / KB),
  ]);
}

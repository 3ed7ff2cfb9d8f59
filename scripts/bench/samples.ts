import { abortable } from "@std/async/abortable";
import type { Backend } from "./backend.ts";
import { measureCancel } from "./cancel.ts";
import { type Cost, measureCost } from "./cost.ts";
import { peakMemory } from "./memory.ts";
import type { Way } from "./way.ts";

/** Asks for pictures of a usual size. */
export const PROMPT = "a lighthouse at dusk sandbox:bytes=4700000";
/** A service that draws for two seconds and takes three to close. */
const USUAL = `${PROMPT} sandbox:slow=2000 sandbox:closing=3000`;

/** What the runs of one way took. */
export interface Samples {
  readonly costs: Cost[];
  /** Of the workers, in MiB. */
  readonly memory: number[];
  /** From the cancellation to the end of the last process, in milliseconds. */
  readonly cancels: number[];
}

/** What the samples are taken with. */
export interface SampleOptions {
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** Runs a way once, so that what is made on first use is there. */
export async function warmUp(
  way: Way,
  { signal }: SampleOptions,
): Promise<void> {
  await abortable(way.start(PROMPT).done, signal);
  await way.settle(signal);
}

/** Begins to collect the samples of one way. */
export function newSamples(): Samples {
  return { costs: [], memory: [], cancels: [] };
}

/** Adds one run of a way to its samples. */
export async function addSample(
  samples: Samples,
  way: Way,
  options: SampleOptions,
): Promise<void> {
  const { signal } = options;
  samples.costs.push(
    await measureCost(way, { ...options, prompt: USUAL }),
  );
  // By itself, because looking at all processes takes time from them.
  const making = () => abortable(way.start(USUAL).done, signal);
  samples.memory.push(await peakMemory(way.mark, making));
  await way.settle(signal);
  samples.cancels.push(
    await measureCancel(way, { ...options, prompt: PROMPT }),
  );
}

import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import { findProcesses } from "../../src/codex/process_tree.ts";
import type { MeasureOptions } from "./cost.ts";
import type { Way } from "./way.ts";

const LOOK_MS = 20;

/**
 * Cancels a way while it draws.
 *
 * @returns Milliseconds until its last process was gone; a look at all processes takes about 20.
 */
export async function measureCancel(
  way: Way,
  { backend, prompt, signal }: MeasureOptions,
): Promise<number> {
  await backend.take();
  const { done, cancel } = way.start(`${prompt} sandbox:hang`);
  const canceled = done.catch(() => {});
  let drawing = 0;
  while (drawing < way.images) {
    await delay(LOOK_MS, { signal });
    drawing += (await backend.take())
      .filter(({ path }) => path.startsWith("/v1/images/")).length;
  }
  const start = performance.now();
  cancel();
  while ((await findProcesses(way.mark)).length > 0) {
    signal.throwIfAborted();
  }
  const ms = performance.now() - start;
  await abortable(canceled, signal);
  await way.settle(signal);
  return ms;
}

import { assertEquals } from "@std/assert";
import { delayAbort } from "../src/util.ts";

const LONG_MS = 600_000;
const reason = new Error("the caller is gone");

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), {
      once: true,
    });
  });
}

Deno.test("delayAbort() passes an abort on when what it waits for is over", async () => {
  const source = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  using held = delayAbort(source.signal, promise, LONG_MS);
  source.abort(reason);
  assertEquals(held.signal.aborted, false);
  resolve();
  assertEquals(await aborted(held.signal), reason);
});

Deno.test("delayAbort() waits no longer than it may", async () => {
  const source = new AbortController();
  using held = delayAbort(source.signal, new Promise(() => {}), 1);
  source.abort(reason);
  assertEquals(await aborted(held.signal), reason);
});

Deno.test("delayAbort() begins aborted where the source is", () => {
  const source = AbortSignal.abort(reason);
  using held = delayAbort(source, Promise.resolve(), LONG_MS);
  assertEquals(held.signal.reason, reason);
});

Deno.test("delayAbort() passes nothing on once it is disposed of", async () => {
  const source = new AbortController();
  const held = delayAbort(source.signal, Promise.resolve(), LONG_MS);
  held[Symbol.dispose]();
  source.abort(reason);
  // All that could pass it on has had its turn by then.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(held.signal.aborted, false);
});

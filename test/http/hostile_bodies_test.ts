import { assert, assertEquals } from "@std/assert";
import { BODIES, type Reading } from "./hostile_bodies.ts";

const PROBE = new URL("hostile_bodies.ts", import.meta.url).href;
/** How long the event loop may work without a pause, in milliseconds. */
const MAX_BUSY_MS = 50;
/** How much more memory the process may take, garbage included. */
const MAX_GROWTH = 96_000_000;

Deno.test("no body holds the event loop, fills the memory or leaves a file", async (t) => {
  for (const reading of await read(Object.keys(BODIES))) {
    const { what } = reading;
    await t.step(what, async () => {
      assertEquals(reading.code, BODIES[what][4]);
      const { growth } = reading;
      assert(growth <= MAX_GROWTH, `The memory grew by ${growth} bytes`);
      let { busyMs } = reading;
      // Other work of the machine can slow one reading down; what holds the event loop does so every time.
      for (let more = 2; busyMs > MAX_BUSY_MS && more > 0; more--) {
        [{ busyMs }] = await read([what]);
      }
      assert(busyMs <= MAX_BUSY_MS, `The longest tick worked for ${busyMs} ms`);
    });
  }
});

/** Has bodies read in a process of its own. */
async function read(names: readonly string[]): Promise<readonly Reading[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--v8-flags=--expose-gc", PROBE, ...names],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

import { assert, assertEquals } from "@std/assert";
import { BODIES } from "./hostile_bodies.ts";

const PROBE = new URL("hostile_bodies.ts", import.meta.url).href;
/** How long the event loop may work without a pause, in milliseconds. */
const MAX_BUSY_MS = 50;
/** How much more memory the process may take, garbage included. */
const MAX_GROWTH = 96_000_000;

for (const [what, [, , , , code]] of Object.entries(BODIES)) {
  Deno.test(`${what} neither holds the event loop nor fills the memory, and leaves nothing on disk`, async () => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", PROBE, what],
      stderr: "inherit",
    }).output();
    const read = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals(read.code, code);
    const { busyMs, growth } = read;
    assert(busyMs <= MAX_BUSY_MS, `The longest tick worked for ${busyMs} ms`);
    assert(growth <= MAX_GROWTH, `The memory grew by ${growth} bytes`);
  });
}

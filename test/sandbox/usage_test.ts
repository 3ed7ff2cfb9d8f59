import { assert, assertEquals, assertRejects } from "@std/assert";
import { SandboxUsage } from "../../src/sandbox/usage.ts";

const NEVER = new AbortController().signal;

async function limitOf(usage: SandboxUsage) {
  return (await (await usage.answer(NEVER)).json()).rate_limit;
}

function secondsFromNow(time: number): number {
  return Math.round(time - Date.now() / 1000);
}

Deno.test("SandboxUsage.answer() tells two windows in whole percent", async () => {
  const usage = new SandboxUsage();
  for (let image = 0; image < 20; image++) usage.countImage();
  const { limit_reached, primary_window, secondary_window } = await limitOf(
    usage,
  );
  assertEquals(limit_reached, false);
  assertEquals(
    [primary_window.used_percent, secondary_window.used_percent],
    [6, 1],
  );
  assertEquals(
    [primary_window, secondary_window]
      .map(({ limit_window_seconds }) => limit_window_seconds / 60),
    [300, 10_080],
  );
});

Deno.test("SandboxUsage.countImage() starts a window over that is full or at its end", () => {
  const usage = new SandboxUsage();
  for (const state of [{ usedPercent: 100 }, { resetsAt: 1 }]) {
    Object.assign(usage.primary, { usedPercent: 50 }, state);
    usage.countImage();
    assertEquals(usage.primary.usedPercent, usage.primary.percentPerImage);
    const left = secondsFromNow(usage.primary.resetsAt);
    assert(Math.abs(left - 18_000) < 5, `${left}`);
  }
});

Deno.test("SandboxUsage.refuse() says when the limit is over in both ways", async () => {
  const response = new SandboxUsage().refuse();
  const { error } = await response.json();
  assertEquals([response.status, error.type], [429, "usage_limit_reached"]);
  const left = secondsFromNow(error.resets_at);
  assert(Math.abs(left - error.resets_in_seconds) < 5);
});

Deno.test("SandboxUsage.refuse() waits for the last of the full windows", async () => {
  const usage = new SandboxUsage();
  usage.secondary.usedPercent = 100;
  const { error } = await usage.refuse().json();
  assertEquals(error.resets_at, usage.secondary.resetsAt);
  assertEquals(usage.primary.usedPercent, 0);
});

Deno.test("SandboxUsage.limitReached ends with the window", () => {
  const usage = new SandboxUsage();
  usage.refuse();
  assertEquals(usage.limitReached, true);
  usage.primary.resetsAt = 1;
  assertEquals(usage.limitReached, false);
});

Deno.test("SandboxUsage.answer() has no windows, no body or no JSON where it is told so", async () => {
  const usage = new SandboxUsage();
  usage.answers = "no-windows";
  const { primary_window, secondary_window } = await limitOf(usage);
  assertEquals([primary_window, secondary_window], [null, null]);
  usage.answers = "nothing";
  assertEquals(await (await usage.answer(NEVER)).text(), "");
  usage.answers = "garbage";
  await assertRejects(() => limitOf(usage), SyntaxError);
});

Deno.test("SandboxUsage.answer() waits no longer than the asker", async () => {
  const usage = new SandboxUsage();
  usage.delayMs = 60_000;
  const gone = new AbortController();
  const answer = usage.answer(gone.signal);
  gone.abort(new RangeError("gone"));
  await assertRejects(() => answer, RangeError, "gone");
});

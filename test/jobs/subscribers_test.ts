import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { Subscribers } from "../../src/jobs/subscribers.ts";

function track(): {
  readonly callers: Subscribers;
  readonly reasons: unknown[];
} {
  const reasons: unknown[] = [];
  return {
    callers: new Subscribers((reason) => reasons.push(reason)),
    reasons,
  };
}

Deno.test("Subscribers.add() abandons the job when the only caller is gone", () => {
  const { callers, reasons } = track();
  const caller = new AbortController();
  callers.add({ signal: caller.signal });
  caller.abort("bye");
  assertEquals(reasons, ["bye"]);
});

Deno.test("Subscribers.add() abandons the job of a caller who was gone before", () => {
  const { callers, reasons } = track();
  callers.add({ signal: AbortSignal.abort("bye") });
  assertEquals(reasons, ["bye"]);
});

Deno.test("Subscribers.add() keeps the job while another caller waits", () => {
  const { callers, reasons } = track();
  const [one, two] = [new AbortController(), new AbortController()];
  callers.add({ signal: one.signal });
  callers.add({ signal: two.signal });
  one.abort("first");
  assertEquals(reasons, []);
  two.abort("last");
  assertEquals(reasons, ["last"]);
});

Deno.test("Subscribers.add() waits for a caller to come back", async () => {
  const { callers, reasons } = track();
  const [one, two] = [new AbortController(), new AbortController()];
  callers.add({ signal: one.signal, gracePeriodMs: 30 });
  one.abort("cut");
  callers.add({ signal: two.signal });
  await delay(60);
  assertEquals(reasons, []);
  callers.close();
});

Deno.test("Subscribers.add() abandons the job when nobody comes back in time", async () => {
  const { callers, reasons } = track();
  const caller = new AbortController();
  callers.add({ signal: caller.signal, gracePeriodMs: 10 });
  caller.abort("cut");
  await delay(50);
  assertEquals(reasons, ["cut"]);
});

Deno.test("Subscribers.keep() lets the job go on without anybody", () => {
  const { callers, reasons } = track();
  const caller = new AbortController();
  callers.detach();
  callers.add({ signal: caller.signal });
  caller.abort();
  assertEquals(reasons, []);
});

Deno.test("Subscribers.close() lets go of everybody", () => {
  const { callers, reasons } = track();
  const caller = new AbortController();
  callers.add({ signal: caller.signal, gracePeriodMs: 10_000 });
  callers.close();
  caller.abort();
  assertEquals(reasons, []);
});

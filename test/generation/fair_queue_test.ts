import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { ApiError } from "../../src/errors.ts";
import {
  FairQueue,
  type Reservation,
} from "../../src/generation/fair_queue.ts";
import { until } from "../support/until.ts";

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** Tells which of some tickets have their places, in the order in which they got them. */
function follow(tickets: Readonly<Record<string, Reservation>>): string[] {
  const got: string[] = [];
  for (const [name, ticket] of Object.entries(tickets)) {
    ticket.ready(NEVER).then(() => got.push(name), () => {});
  }
  return got;
}

/** Lets everything happen that is due. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

function limit(): ApiError {
  return new ApiError("usage_limit_reached", "Used up", { retryAfter: 3600 });
}

Deno.test("FairQueue.reserve() gives places at once while there are any", async () => {
  const slots = new FairQueue({ max: 2, maxQueue: 0 });
  const [a, b] = slots.reserve(2);
  const got = follow({ a, b });
  await settle();
  assertEquals(got, ["a", "b"]);
  assertEquals(slots.load, {
    active: 2,
    max: 2,
    queued: 0,
    queueMax: 0,
    paused: undefined,
  });
});

Deno.test("FairQueue.reserve() lets one request wait in its own order", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 3 });
  const [a, b, c] = slots.reserve(3);
  const got = follow({ a, b, c });
  for (const ticket of [a, b]) {
    await settle();
    ticket.release();
  }
  await settle();
  assertEquals(got, ["a", "b", "c"]);
  assertEquals([slots.load.active, slots.load.queued], [1, 0]);
});

Deno.test("FairQueue.reserve() lets requests take turns", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 9 });
  const [a1, a2, a3] = slots.reserve(3);
  const [b1, b2] = slots.reserve(2);
  const [c1] = slots.reserve(1);
  const tickets: Record<string, Reservation> = { a1, a2, a3, b1, b2, c1 };
  const got = follow(tickets);
  for (let served = 1; served <= 6; served++) {
    await settle();
    assertEquals(got.length, served);
    tickets[got[served - 1]].release();
  }
  assertEquals(got.toSorted(), Object.keys(tickets));
  assertEquals(got.slice(0, 4), ["a1", "a2", "b1", "c1"]);
});

Deno.test("FairQueue.reserve() takes all or none", () => {
  const slots = new FairQueue({ max: 2, maxQueue: 1 });
  const [ticket] = slots.reserve(1);
  const failure = assertThrows(() => slots.reserve(3), ApiError);
  assertEquals(failure.code, "queue_full");
  assertEquals(failure.retryAfter, 30);
  assertEquals([slots.load.active, slots.load.queued], [1, 0]);
  ticket.release();
  slots.reserve(3);
  assertEquals([slots.load.active, slots.load.queued], [2, 1]);
  assertEquals(
    assertThrows(() => slots.reserve(1), ApiError).message,
    "Cannot take 1 more: 2 of 2 workers are busy and 1 of 1 places in the queue are taken",
  );
});

Deno.test("FairQueue.reserve() says how soon there may be room", () => {
  const slots = new FairQueue({ max: 1, maxQueue: 0, retryAfter: () => 7 });
  slots.reserve(1);
  const failure = assertThrows(() => slots.reserve(1), ApiError);
  assertEquals(failure.retryAfter, 7);
});

Deno.test("FairQueue.reserve() lets nobody wait for what there will never be", () => {
  const slots = new FairQueue({ max: 1, maxQueue: 1 });
  const failure = assertThrows(() => slots.reserve(3), ApiError);
  assertEquals([failure.code, failure.param], ["invalid_count", null]);
  assertEquals(
    failure.message,
    "Cannot take 3 at once: expected at most 2, for so many workers and places in the queue there are",
  );
});

Deno.test("Reservation.release() makes room once, however often it is called", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 2 });
  const [a, b, c] = slots.reserve(3);
  const got = follow({ a, b, c });
  a.release();
  a.release();
  await settle();
  assertEquals(got, ["a", "b"]);
  assertEquals([slots.load.active, slots.load.queued], [1, 1]);
});

Deno.test("Reservation.release() leaves the queue", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 2 });
  const [a, b, c] = slots.reserve(3);
  const got = follow({ a, c });
  b.release();
  assertEquals([slots.load.active, slots.load.queued], [1, 1]);
  a.release();
  await settle();
  assertEquals(got, ["a", "c"]);
});

Deno.test("Reservation.ready() rejects with the signal's reason and keeps the place", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 1 });
  const [, b] = slots.reserve(2);
  const stop = new AbortController();
  const waiting = b.ready(stop.signal);
  stop.abort(new RangeError("enough"));
  await assertRejects(() => waiting, RangeError, "enough");
  assertEquals(slots.load.queued, 1);
  await assertRejects(
    () => b.ready(AbortSignal.abort(new RangeError("before"))),
    RangeError,
    "before",
  );
});

Deno.test("Reservation.ready() tells the place in the queue as it changes", () => {
  const slots = new FairQueue({ max: 1, maxQueue: 9 });
  const [a1, a2, a3] = slots.reserve(3);
  const moves: number[] = [];
  a3.ready(NEVER, (position) => moves.push(position));
  const [b1] = slots.reserve(1);
  b1.ready(NEVER, (position) => moves.push(10 * position));
  // The waiting request has had a turn, the new one none: it comes up in between.
  assertEquals(moves, [2, 3, 20]);
  a1.release();
  assertEquals(moves, [2, 3, 20, 10, 2]);
  a2.release();
  assertEquals(moves, [2, 3, 20, 10, 2, 1]);
});

Deno.test("Reservation.ready() tells a place far back now and then, and one near the front exactly", () => {
  const count = 500;
  const slots = new FairQueue({ max: 1, maxQueue: count });
  const told = Array.from({ length: count }, (): number[] => []);
  const tickets = told.map((positions) => {
    const [ticket] = slots.reserve(1);
    ticket.ready(NEVER, (position) => positions.push(position));
    return ticket;
  });
  for (const ticket of tickets) ticket.release();
  const last = told[count - 1];
  assertEquals(last[0], count - 1);
  assertEquals(last.slice(-32), Array.from({ length: 32 }, (_, i) => 32 - i));
  assertLess(last.length, 64);
});

Deno.test("FairQueue.pause() fails who waits and is not patient", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 3 });
  const [a, b] = slots.reserve(2);
  const [patient] = slots.reserve(1, { waitForQuota: true });
  const got = follow({ a, patient });
  const waiting = b.ready(NEVER);
  const failure = limit();
  slots.pause(Date.now() + HOUR_MS, failure);
  assertEquals(await assertRejects(() => waiting, ApiError), failure);
  a.release();
  await settle();
  assertEquals(got, ["a"]);
  assertEquals([slots.load.active, slots.load.queued], [0, 1]);
  slots.resume();
  await settle();
  assertEquals(got, ["a", "patient"]);
});

Deno.test("FairQueue.reserve() fails with what paused the queue and the time that is left", () => {
  const slots = new FairQueue({ max: 1, maxQueue: 3 });
  slots.pause(Date.now() + 100_000, limit());
  const failure = assertThrows(() => slots.reserve(1), ApiError);
  assertEquals([failure.code, failure.message], [
    "usage_limit_reached",
    "Used up",
  ]);
  const seconds = failure.retryAfter ?? 0;
  assert(seconds > 90 && seconds <= 100, `${seconds}`);
  slots.resume();
  slots.reserve(1);
});

Deno.test("FairQueue.reserve() counts no free worker while it is paused", () => {
  const slots = new FairQueue({ max: 4, maxQueue: 2 });
  slots.pause(Date.now() + HOUR_MS, limit());
  const patient = { waitForQuota: true };
  assertThrows(() => slots.reserve(3, patient), ApiError, "Cannot take 3 more");
  slots.reserve(2, patient);
  assertEquals([slots.load.active, slots.load.queued], [0, 2]);
  slots.resume();
  assertEquals([slots.load.active, slots.load.queued], [2, 0]);
});

Deno.test("FairQueue.pause() is only ever made longer", () => {
  const slots = new FairQueue({ max: 1, maxQueue: 0 });
  const end = Date.now() + HOUR_MS;
  slots.pause(Date.now() - 1, limit());
  assertEquals(slots.load.paused?.until, undefined);
  slots.pause(end, limit());
  slots.pause(end - 1000, limit());
  assertEquals(slots.load.paused?.until, end);
  slots.pause(end + 1000, limit());
  assertEquals(slots.load.paused?.until, end + 1000);
  slots.resume();
  assertEquals(slots.load.paused?.until, undefined);
});

Deno.test("FairQueue.pause() ends by itself", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 1 });
  slots.pause(Date.now() + 40, limit());
  const [ticket] = slots.reserve(1, { waitForQuota: true });
  const got = follow({ ticket });
  await until(() => got.length === 1);
  assertEquals(slots.load.paused?.until, undefined);
});

Deno.test("FairQueue.pause() tells who waits what for and until when", async () => {
  const slots = new FairQueue({ max: 1, maxQueue: 1 });
  const until = Date.now() + HOUR_MS;
  slots.pause(until, limit());
  const [ticket] = slots.reserve(1, { waitForQuota: true });
  const told: unknown[] = [];
  const ready = ticket.ready(NEVER, (_, paused) => told.push(paused));
  slots.pause(until + 1000, limit());
  slots.resume();
  await ready;
  const code = "usage_limit_reached";
  assertEquals(told, [
    { code, until },
    { code, until: until + 1000 },
    undefined,
  ]);
});

Deno.test("FairQueue.recheck() ends a pause whose login has changed", async () => {
  let login = "one";
  const slots = new FairQueue({
    max: 1,
    maxQueue: 0,
    loginId: () => Promise.resolve(login),
  });
  slots.pause(Date.now() + HOUR_MS, limit());
  await slots.recheck();
  assertThrows(() => slots.reserve(1), ApiError);
  login = "other";
  await slots.recheck();
  slots.reserve(1);
});

Deno.test("FairQueue lets one candidate through to try a pause, and goes on when it succeeds", async () => {
  const slots = new FairQueue({ max: 4, maxQueue: 4, probeMs: 30 });
  slots.pause(Date.now() + HOUR_MS, limit());
  assertThrows(() => slots.reserve(1), ApiError);
  await delay(40);
  const [a, b] = slots.reserve(2);
  const got = follow({ a, b });
  await delay(40);
  assertEquals(got, ["a"]);
  assertThrows(() => slots.reserve(1), ApiError);
  a.succeed();
  await settle();
  assertEquals(got, ["a", "b"]);
  assertEquals(slots.load.paused, undefined);
});

Deno.test("FairQueue believes a candidate that was let through and failed, also where the time is shorter", async () => {
  const slots = new FairQueue({ max: 2, maxQueue: 4, probeMs: 30 });
  slots.pause(Date.now() + HOUR_MS, limit());
  await delay(40);
  const [a, b] = slots.reserve(2);
  await a.ready(NEVER);
  const waiting = b.ready(NEVER);
  const failure = limit();
  slots.pause(Date.now() + 60_000, failure);
  assertEquals(await assertRejects(() => waiting, ApiError), failure);
  a.release();
  assert((slots.load.paused?.until ?? 0) < Date.now() + 61_000);
  assertThrows(() => slots.reserve(1), ApiError);
  slots.close();
});

Deno.test("FairQueue lets nobody wait for a candidate that was let through and told nothing", async () => {
  const slots = new FairQueue({ max: 2, maxQueue: 4, probeMs: 30 });
  slots.pause(Date.now() + HOUR_MS, limit());
  await delay(40);
  const [a, b] = slots.reserve(2);
  const waiting = b.ready(NEVER);
  a.release();
  const failure = await assertRejects(() => waiting, ApiError);
  assertEquals(failure.code, "usage_limit_reached");
  slots.close();
});

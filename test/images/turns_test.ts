import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { Turns } from "../../src/images/turns.ts";

Deno.test("Turns.run() runs as many tasks at once as it may, the others in order", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all([0, 1, 2, 3, 4].map((index) =>
    turns.run(async () => {
      started.push(index);
      most = Math.max(most, ++running);
      await delay(0);
      running--;
    })
  ));
  assertEquals(started, [0, 1, 2, 3, 4]);
  assertEquals(most, 2);
});

Deno.test("Turns.run() gives the turn on when a task fails", async () => {
  const turns = new Turns(1);
  const failing = turns.run(() => Promise.reject(new RangeError("no")));
  const next = turns.run(() => Promise.resolve("done"));
  await assertRejects(() => failing, RangeError, "no");
  assertEquals(await next, "done");
});

Deno.test("Turns.run() takes a task out of the queue when its signal aborts", async () => {
  const turns = new Turns(1);
  const end = Promise.withResolvers<void>();
  const first = turns.run(() => end.promise);
  const controller = new AbortController();
  let ran = false;
  const second = turns.run(() => {
    ran = true;
    return Promise.resolve();
  }, controller.signal);
  const third = turns.run(() => Promise.resolve("third"));
  const reason = new Error("gone");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => second), reason);
  end.resolve();
  await first;
  assertEquals(await third, "third");
  assertEquals(ran, false);
});

Deno.test("Turns.run() loses no turn when the signal aborts about when the turn comes", async () => {
  for (let steps = 0; steps < 12; steps++) {
    const turns = new Turns(1);
    const end = Promise.withResolvers<void>();
    const first = turns.run(() => end.promise);
    const controller = new AbortController();
    const second = turns.run(() => Promise.resolve(), controller.signal);
    const third = turns.run(() => Promise.resolve("third"));
    end.resolve();
    for (let step = 0; step < steps; step++) await Promise.resolve();
    controller.abort();
    await Promise.allSettled([first, second]);
    assertEquals(await third, "third");
    assertEquals(await turns.run(() => Promise.resolve("fourth")), "fourth");
  }
});

Deno.test("Turns.run() refuses a task whose signal has aborted", async () => {
  const turns = new Turns(1);
  const refused = turns.run(
    () => Promise.resolve("ran"),
    AbortSignal.abort(new RangeError("gone")),
  );
  await assertRejects(() => refused, RangeError, "gone");
  assertEquals(await turns.run(() => Promise.resolve("ran")), "ran");
});

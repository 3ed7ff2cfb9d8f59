import { assertEquals, assertRejects } from "@std/assert";
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

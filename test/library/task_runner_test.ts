import { assertEquals } from "@std/assert";
import { TaskRunner } from "../../src/library/task_runner.ts";

Deno.test("TaskRunner.runNext() runs tasks one after the other, failed ones included", async () => {
  const errors: unknown[] = [];
  await using background = new TaskRunner((error) => errors.push(error));
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  background.runNext(async () => {
    await first.promise;
    done.push("first");
    throw "failed";
  });
  const second = background.runNext(() => {
    done.push("second");
    return Promise.resolve();
  });
  await Promise.resolve();
  assertEquals(done, []);
  first.resolve();
  await second;
  assertEquals(done, ["first", "second"]);
  assertEquals(errors, ["failed"]);
});

Deno.test("TaskRunner ends its work and its timers, and waits for the end", async () => {
  const errors: unknown[] = [];
  const background = new TaskRunner((error) => errors.push(error));
  const { signal } = background;
  let ended = false;
  background.every(60_000, () => {});
  background.run(async () => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended = true;
    signal.throwIfAborted();
  });
  await background[Symbol.asyncDispose]();
  assertEquals(ended, true);
  assertEquals(errors, []);
});

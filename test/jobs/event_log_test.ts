import { assertEquals } from "@std/assert";
import { EventLog } from "../../src/jobs/job.ts";

Deno.test("EventLog.read() gives the past and then what comes, to every reader", async () => {
  const log = new EventLog();
  log.add("progress", 1);
  const readers = [Array.fromAsync(log.read()), Array.fromAsync(log.read(1))];
  log.add("image", 2);
  log.add("completed", 3);
  log.close();
  const [all, rest] = await Promise.all(readers);
  assertEquals(all.map(({ id, data }) => [id, data]), [[1, 1], [2, 2], [3, 3]]);
  assertEquals(rest, all.slice(1));
});

Deno.test("EventLog.read() ends at once where a reader has everything", async () => {
  const log = new EventLog();
  log.add("completed", 1);
  log.close();
  assertEquals(await Array.fromAsync(log.read(1)), []);
});

Deno.test("EventLog.read() gives everything to a reader that names an event that there never was", async () => {
  const log = new EventLog();
  log.add("completed", 1);
  log.close();
  const events = await Array.fromAsync(log.read(9));
  assertEquals(events.map(({ id }) => id), [1]);
});

Deno.test("EventLog.read() counts on from a former life", async () => {
  const log = new EventLog({ told: 7 });
  log.add("completed", 1);
  log.close();
  const idsAfter = async (after: number) =>
    (await Array.fromAsync(log.read(after))).map(({ id }) => id);
  assertEquals(await Promise.all([0, 3, 7, 8].map(idsAfter)), [
    [8],
    [8],
    [8],
    [],
  ]);
});

Deno.test("EventLog.read() gives what is kept where older events are not", async () => {
  const log = new EventLog({ capacity: 2 });
  const reader = Array.fromAsync(log.read());
  for (const data of [1, 2, 3]) log.add("progress", data);
  log.close();
  assertEquals((await reader).map(({ id }) => id), [2, 3]);
  assertEquals([0, 1, 3, 4].map((id) => log.holdsAfter(id)), [
    false,
    true,
    true,
    false,
  ]);
});

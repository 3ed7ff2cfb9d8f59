import { assertEquals } from "@std/assert";
import { EventLog } from "../../src/jobs/event_log.ts";

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
  assertEquals(await Array.fromAsync(log.read(9)), []);
});

import { assertEquals } from "@std/assert";
import { retryGraceMs } from "../../src/jobs/replay.ts";

Deno.test("retryGraceMs() follows the backoff of the official clients", () => {
  const graces = [0, 1, 2, 3, 4, 9].map(retryGraceMs);
  assertEquals(graces, [1_100, 3_000, 4_000, 6_000, 10_000, 10_000]);
});

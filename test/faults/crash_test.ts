import { assertEquals } from "@std/assert";
import { surviveCrashes } from "./crashes.ts";

Deno.test("after five crashes under load nothing is torn, lost or left", async () => {
  const { crashes } = await surviveCrashes(5);
  assertEquals(crashes, 5);
});

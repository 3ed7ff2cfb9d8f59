import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestService } from "../support/service.ts";

Deno.test("GET /v1/usage tells the windows, /metrics too, and neither tells of the account", async () => {
  await using server = await startTestService();
  const drawn = await server.generate({ prompt: "a fox" });
  await drawn.body?.cancel();
  const response = await fetch(`${server.url}/v1/usage`);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  const { windows, source, limit_reached, paused } = JSON.parse(text);
  assertEquals([source, limit_reached, paused], ["codex", false, null]);
  assertEquals(
    windows.map(({ limit, minutes }: Record<string, unknown>) => [
      limit,
      minutes,
    ]),
    [["codex", 300], ["codex", 10_080]],
  );
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assertMatch(metrics, /quota_used_percent\{limit="codex",minutes="300"\} \d/);
  for (const told of [text, metrics]) {
    assert(!/sandbox-|@|plus|balance|plan|credit/.test(told), told);
  }
  const asked = server.place.sandbox.record.to("/backend-api/wham/usage");
  assertEquals(asked.length, 1);
});

Deno.test("GET /v1/usage is 503 where Codex cannot tell", async () => {
  await using server = await startTestService();
  server.place.sandbox.usage.answers = "garbage";
  const response = await fetch(`${server.url}/v1/usage`);
  const { error } = await response.json();
  assertEquals([response.status, error.code], [503, "codex_exec_failed"]);
  assert(Number(response.headers.get("retry-after")) > 0);
});

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { openPlace } from "../support/place.ts";
import { runDeno } from "../support/server_process.ts";
import { startTestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

const SMOKE = [
  "run",
  "--allow-env",
  "--allow-net",
  "--allow-run=ps,sh",
  "scripts/smoke.ts",
];

Deno.test("smoke says ok to every check of a sandbox server, to which it sends the key", async () => {
  await using server = await startTestService({ SANDBOX: "1", API_KEY: "k" });
  const { code, stdout } = await runDeno(
    [...SMOKE, server.url],
    server.place.environment({ API_KEY: "k" }),
  );
  assertEquals(
    stdout.trim().split("\n").map((line) => line.replace(/:.*/, "")),
    [
      "ok    health",
      "ok    capabilities",
      "ok    generation",
      "ok    cancellation",
      "all checks passed",
    ],
    stdout,
  );
  assertEquals(code, 0);
});

Deno.test("smoke with a real account", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step("smoke spends no quota of a real account", async () => {
    const { stdout } = await runDeno(
      [...SMOKE, server.url],
      server.place.environment({}),
    );
    assertStringIncludes(stdout, "ok    generation: left out");
    assertStringIncludes(stdout, "ok    cancellation: left out");
    assertEquals(server.place.sandbox.record.all, []);
  });

  await step(
    "smoke generates with a real account where it is told to",
    async () => {
      const { code, stdout } = await runDeno(
        [...SMOKE, server.url, "--generate"],
        server.place.environment({}),
      );
      assertEquals(code, 0, stdout);
      const { record } = server.place.sandbox;
      assert(record.to("/v1/images/generations").length >= 2);
    },
  );
});

Deno.test("smoke fails against a port where nobody listens", async () => {
  await using place = await openPlace();
  const { code, stdout } = await runDeno(
    [...SMOKE, `http://127.0.0.1:${freePort()}`],
    place.environment({}),
  );
  const lines = stdout.trim().split("\n");
  assertEquals(lines.length, 5, stdout);
  for (const line of lines.slice(0, 4)) assertMatch(line, /^FAIL {2}\w+: ./);
  assertEquals(lines[4], "4 checks failed");
  assertEquals(code, 1);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { namesIn } from "../codex/stand_in.ts";
import { setClock } from "../support/clock.ts";
import { openPlace } from "../support/place.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";
import { openBreakingProxy } from "./breaking_proxy.ts";

/** Begins a thread and a picture, and finishes neither. */
const HALF_A_PICTURE = `#!/usr/bin/env bash
case "$1" in --version) echo "codex-cli 1.0.0"; exit;; esac
thread=01a2051f-e2fa-70a0-92af-cd63a768510e
pictures=$CODEX_HOME/generated_images/$thread
mkdir -p "$pictures"
echo "{\\"type\\":\\"thread.started\\",\\"thread_id\\":\\"$thread\\"}"
printf '\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR' > "$pictures/call.png"
sleep 300
`;

Deno.test("a worker that is killed from outside is codex_exec_failed, and the other goes on", async () => {
  await using server = await startTestService();
  const answer = server.generate({
    prompt: "a fox sandbox:slow=1000",
    count: 2,
  });
  await server.untilDrawing(2);
  const [{ group }] = await server.processes();
  Deno.kill(group, "SIGKILL");
  const response = await answer;
  const { data, errors, status } = await response.json();
  assertEquals([response.status, status, data.length], [200, "partial", 1]);
  assertEquals(errors.length, 1);
  assertEquals(errors[0].code, "codex_exec_failed");
  await assertNothingLeft(server, 1);
});

Deno.test("a picture that is never finished is 504 at the time limit", async () => {
  await using place = await openPlace();
  const binary = join(place.directory, "codex");
  await Deno.writeTextFile(binary, HALF_A_PICTURE, { mode: 0o755 });
  await using server = await startTestService(
    { CODEX_BIN: binary, TIMEOUT_MS: "1000" },
    place,
  );
  const response = await server.generate({ prompt: "a fox" });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [504, "codex_timeout"]);
  await assertNothingLeft(server, 0);
});

Deno.test("a backend that takes connections and says nothing is 504 at the time limit", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = accept(silent, connections);
  {
    await using server = await startTestService({
      UPSTREAM_URL: `http://127.0.0.1:${silent.addr.port}`,
      TIMEOUT_MS: "3000",
    });
    const response = await server.generate({ prompt: "a fox" });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [504, "codex_timeout"]);
    assert(connections.length > 0);
    await assertNothingLeft(server, 0);
  }
  silent.close();
  await accepting;
  for (const connection of connections) connection.close();
});

Deno.test("a backend that breaks off in the middle of a picture is asked once more", async () => {
  await using place = await openPlace();
  await using backend = await openBreakingProxy(place.sandbox.url);
  await using server = await startTestService({
    UPSTREAM_URL: backend.url,
  }, place);
  const response = await server.generate({ prompt: "a fox" });
  await response.body?.cancel();
  assertEquals([response.status, backend.broken], [200, 1]);
  await assertNothingLeft(server, 1);
});

Deno.test("a session that cannot be read any more costs no picture", async () => {
  await using server = await startTestService();
  const answer = server.generate({ prompt: "a fox sandbox:slow=1500" });
  await until(async () => {
    const { data } = await (await fetch(`${server.url}/v1/jobs`)).json();
    return data[0]?.candidates[0].phase === "drawing";
  });
  const sessions = join(server.place.dataDir, "codex-home", "sessions");
  await Deno.remove(sessions, { recursive: true });
  const response = await answer;
  const { data } = await response.json();
  assertEquals([response.status, data[0].revised_prompt], [200, null]);
  await assertNothingLeft(server, 1);
});

for (const days of [-1, 1]) {
  Deno.test(`a clock that is set by ${days} days while pictures are drawn, and set right again, changes nothing`, async () => {
    await using server = await startTestService();
    const answer = server.generate({ prompt: "a fox sandbox:slow=300" });
    await server.untilDrawing(1);
    const clock = setClock(days * 86_400_000);
    const response = await answer;
    const { data } = await response.json();
    assertEquals(response.status, 200);
    assert(data[0].duration_ms >= 300 && data[0].duration_ms < 60_000);
    const next = await server.generate({ prompt: "an owl" });
    await next.body?.cancel();
    assertEquals(next.status, 200);
    const file = await fetch(data[0].url);
    await file.body?.cancel();
    assertEquals(file.status, 200);
    clock[Symbol.dispose]();
    const jobs = await (await fetch(`${server.url}/v1/jobs`)).json();
    assertEquals(jobs.data.length, 2);
    await assertNothingLeft(server, 2);
  });
}

async function accept(
  listener: Deno.Listener,
  connections: Deno.Conn[],
): Promise<void> {
  for await (const connection of listener) connections.push(connection);
}

/** No place, process or file of a worker is left, and so many pictures are stored. */
async function assertNothingLeft(
  server: TestService,
  images: number,
): Promise<void> {
  await server.untilIdle();
  const { dataDir, outputDir } = server.place;
  const names = filesIn(outputDir);
  assertEquals(names.filter((name) => name.endsWith(".json")).length, images);
  assertEquals(names.length, 2 * images);
  assertEquals(
    await namesIn(join(dataDir, "codex-home", "generated_images")),
    [],
  );
}

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type ServerProcess, spawnServer } from "../support/server_process.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

// A second one, as Ctrl-C sends through deno task, does not cut the end short.
const SIGNALS: readonly (readonly [Deno.Signal, ...Deno.Signal[]])[] = [
  ["SIGTERM"],
  ["SIGINT", "SIGINT", "SIGTERM"],
  ["SIGHUP"],
];

for (const [signal, ...more] of SIGNALS) {
  const named = [signal, ...more].join(", then ");
  Deno.test(`${named} ends the work, tells callers so, and exits with 0`, async () => {
    await using server = await spawnServer({ MAX_WORKERS: "1" });
    const answer = server.generate({ prompt: "sandbox:hang", count: 2 });
    await server.untilDrawing(1);
    assert((await server.processes()).length >= 1);
    server.kill(signal);
    await until(() => server.logLines("server.stop").length === 1);
    for (const signal of more) server.kill(signal);
    const response = await answer;
    const { error } = await response.json();
    assertEquals([response.status, error.code], [503, "shutting_down"]);
    assertEquals(error.type, "server_error");
    assert(Number(response.headers.get("retry-after")) >= 1);
    await assertEndedInOrder(server);
    const events = server.logLines().map(({ event }) => event);
    assertEquals(events.slice(-1), ["server.end"]);
    assertEquals(
      server.logLines("server.stop").map(({ signal }) => signal),
      [signal],
    );
    // The candidate that waited was never started.
    assertEquals(server.logLines("codex.exec.start").length, 1);
  });
}

Deno.test("a signal ends a server with connections that ask for nothing, and that somebody sends a body to for ever", async () => {
  await using server = await spawnServer();
  const address = { hostname: "127.0.0.1", port: server.port };
  using _idle = await Deno.connect(address);
  using connection = await Deno.connect(address);
  await connection.write(
    new TextEncoder().encode(
      `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"pro',
    ),
  );
  await server.workers();
  server.kill("SIGTERM");
  await assertEndedInOrder(server);
  assertEquals(server.logLines("server.end").length, 1);
});

async function assertEndedInOrder(server: ServerProcess): Promise<void> {
  const { code, stderr } = await server.ended;
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await server.processes(), []);
  assertEquals(filesIn(join(server.place.dataDir, "work")), []);
  assertEquals(filesIn(server.place.outputDir), []);
}

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openPlace, type TestSettings } from "../support/place.ts";
import {
  type EndedProcess,
  runDeno,
  runServer,
  spawnServer,
} from "../support/server_process.ts";
import { startTestService } from "../support/service.ts";

Deno.test("a second server on the same data directory is refused in one line", async () => {
  await using first = await startTestService();
  const ended = await runServer(
    { OUTPUT_DIR: join(first.place.directory, "elsewhere") },
    first.place,
  );
  assertRefused(ended, "CODEX_IMAGE_SERVER_DATA_DIR", first.place.dataDir);
  const response = await first.generate({ prompt: "a fox" });
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

// What `test/config_test.ts` does not see: how the process ends, and what only a start finds out.
const BAD: readonly (readonly [TestSettings, ...string[]])[] = [
  [{ PORT: "http" }, "CODEX_IMAGE_SERVER_PORT", '"http"', "0 to 65535"],
  [{ API_KEY: "my secret" }, "CODEX_IMAGE_SERVER_API_KEY", "printable ASCII"],
  [{ HOST: "192.0.2.1" }, "192.0.2.1"],
  [{ DATA_DIR: "/dev/null" }, "CODEX_IMAGE_SERVER_DATA_DIR", "/dev/null"],
  [{ OUTPUT_DIR: "/dev/null" }, "CODEX_IMAGE_SERVER_OUTPUT_DIR", "/dev/null"],
  [{ LOG_FILE: "src/no/log" }, "CODEX_IMAGE_SERVER_LOG_FILE", "src/no/log"],
];

for (const [settings, ...says] of BAD) {
  const named = Object.entries(settings).map((pair) => pair.join("=")).join();
  Deno.test(`the server refuses ${named} in one line`, async () => {
    await using place = await openPlace();
    const ended = await runServer(settings, place);
    assertRefused(ended, ...says);
    assertEquals(ended.stderr.includes("my secret"), false);
  });
}

Deno.test("a bad setting stops deno task start before anything else", async () => {
  await using place = await openPlace();
  const ended = await runDeno(
    ["task", "--quiet", "start"],
    place.environment({ MAX_WORKERS: "65" }),
  );
  assertRefused(ended, "CODEX_IMAGE_SERVER_MAX_WORKERS", "1 to 64");
});

Deno.test("a server in a process of its own", async (test) => {
  await using place = await openPlace();
  for (const path of [place.dataDir, place.outputDir]) {
    await Deno.mkdir(`${path}-elsewhere`);
    await Deno.symlink(`${path}-elsewhere`, path);
  }
  const path = join(place.directory, "server.log");
  await Deno.writeTextFile(path, "what was there\n");
  const settings = { LOG_FILE: path, MAX_WORKER: "2" };
  await using server = await spawnServer(settings, place);

  await test.step("an unknown setting is warned about with the nearest known one", () => {
    const [{ level, warning }] = server.logLines("config.unknown");
    assertEquals(level, "warn");
    assertStringIncludes(`${warning}`, "CODEX_IMAGE_SERVER_MAX_WORKER:");
    assertStringIncludes(`${warning}`, "CODEX_IMAGE_SERVER_MAX_WORKERS?");
  });

  await test.step("directories behind symbolic links do", async () => {
    const response = await server.generate({ prompt: "a fox" });
    const { url } = await response.json();
    assertEquals(response.status, 200);
    const file = await fetch(url);
    await file.body?.cancel();
    assertEquals(file.status, 200);
  });

  await test.step("LOG_FILE gets a copy of standard output, and is added to", async () => {
    server.kill("SIGTERM");
    const { stdout } = await server.ended;
    assertEquals(await Deno.readTextFile(path), `what was there\n${stdout}`);
  });
});

/** One line on standard error, exit code 1, and it never came to listen. */
function assertRefused(ended: EndedProcess, ...says: string[]): void {
  assertMatch(ended.stderr, /^Cannot [^\n]+\n$/);
  for (const text of says) assertStringIncludes(ended.stderr, text);
  assertEquals(ended.code, 1);
  assertEquals(ended.stdout.includes("server.listen"), false);
}

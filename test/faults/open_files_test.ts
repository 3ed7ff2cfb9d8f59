import { assertEquals } from "@std/assert";
import { spawnServer } from "../support/server_process.ts";
import { until } from "../support/until.ts";

/** How many files more than it has open a server may open. */
const SPARE_FILES = 20;
const CALLERS = 3 * SPARE_FILES;
const MANY_FILES = 1_000;
/** How long it may take to notice that it takes no connections any more, in milliseconds. */
const NOTICE_MS = 20_000;

Deno.test("a server that had no file left for a connection takes connections again", async () => {
  await using server = await spawnServer({ MAX_CONNECTIONS: "5000" });
  const open = (await run("ls", `/proc/${server.pid}/fd`)).split("\n").length;
  await limitFiles(server.pid, open + SPARE_FILES);
  const callers: Deno.Conn[] = [];
  for (let caller = 0; caller < CALLERS; caller++) {
    callers.push(
      await Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    );
  }
  await until(() => server.logLines("server.listen_again").length > 0);
  for (const caller of callers) caller.close();
  await until(() => answers(server.url), { ms: NOTICE_MS });
  // A worker needs more than a connection does.
  await limitFiles(server.pid, MANY_FILES);
  const response = await server.generate({ prompt: "a fox" });
  await response.body?.cancel();
  assertEquals(response.status, 200);
  assertEquals(server.logLines("request.internal_error"), []);
});

async function answers(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1_000);
    const response = await fetch(`${url}/healthz`, { signal });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    const isRefused = error instanceof TypeError;
    const isLate = error instanceof Error && error.name === "TimeoutError";
    if (isRefused || isLate) return false;
    throw error;
  }
}

async function limitFiles(pid: number, files: number): Promise<void> {
  await run("prlimit", `--pid=${pid}`, `--nofile=${files}:`);
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command(program, { args }).output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

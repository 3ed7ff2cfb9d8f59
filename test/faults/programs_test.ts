import { assert, assertEquals } from "@std/assert";
import { openPlace, type Place } from "../support/place.ts";
import { type LinkedPrograms, linkPrograms } from "../support/programs.ts";
import { spawnServer } from "../support/server_process.ts";

/** The programs of the system that the server runs, `ps` or those in its place. */
const PROGRAMS = ["df", "ln", "test"];
const SHELL = ["sh", "tr"];

async function openPlaceWith(programs: readonly string[]): Promise<
  AsyncDisposable & { readonly place: Place; readonly programs: LinkedPrograms }
> {
  await using parts = new AsyncDisposableStack();
  const linked = parts.use(await linkPrograms(programs));
  const place = parts.use(await openPlace({ PATH: linked.directory }));
  const kept = parts.move();
  return {
    place,
    programs: linked,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

Deno.test("a machine without ps draws, and leaves no process of what is canceled or killed", async () => {
  await using opened = await openPlaceWith([...PROGRAMS, ...SHELL]);
  const { place } = opened;
  {
    await using server = await spawnServer({}, place);
    const response = await server.generate({ prompt: "a fox", count: 2 });
    assertEquals((await response.json()).data.length, 2);
    const caller = new AbortController();
    const canceled = server.generate(
      { prompt: "an owl sandbox:hang", count: 4 },
      { signal: caller.signal },
    ).catch(() => "canceled");
    await server.untilDrawing(6);
    caller.abort();
    assertEquals(await canceled, "canceled");
    await server.untilNoProcess();
    await server.untilIdle();
    const cut = server.generate({ prompt: "an owl sandbox:hang" })
      .catch(() => "cut");
    await server.untilDrawing(7);
    server.kill("SIGKILL");
    assertEquals(await cut, "cut");
    assert((await server.processes()).length > 0);
  }
  await using server = await spawnServer({}, place);
  assertEquals(await server.processes(), []);
});

Deno.test("a worker after which nobody can sweep costs neither its picture nor the server", async () => {
  await using opened = await openPlaceWith([...PROGRAMS, "ps"]);
  await using server = await spawnServer({}, opened.place);
  await opened.programs.remove("ps");
  // The conversion goes on while the sweep has failed already.
  const body = { prompt: "a fox", size: "2560x1440" };
  for (let time = 0; time < 2; time++) {
    const response = await server.generate(body);
    const { data } = await response.json();
    assertEquals([response.status, data.length], [200, 1]);
  }
  await server.untilIdle();
  const [line] = server.logLines("generate.cleanup_failed");
  assert(`${line.reason}`.includes("'sh'"), `${line.reason}`);
});

Deno.test("GET /readyz tells what it cannot check", async () => {
  await using opened = await openPlaceWith([...PROGRAMS, "ps"]);
  await using server = await spawnServer({}, opened.place);
  await opened.programs.remove("test");
  const response = await fetch(`${server.url}/readyz`);
  const { checks } = await response.json();
  assertEquals(response.status, 503);
  // deno-lint-ignore no-explicit-any
  const check = checks.find(({ name }: any) => name === "login_writable");
  assertEquals(check.ok, false);
  assert(check.detail.startsWith("Cannot check: "), check.detail);
});

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openPlace, type Place } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";

/** The programs of the system that the server runs. */
const PROGRAMS = ["df", "ln", "ls", "ps", "test"];

/** A place whose servers find only programs that can be taken away. */
async function openPlaceWithPrograms(): Promise<
  AsyncDisposable & {
    readonly place: Place;
    remove(name: string): Promise<void>;
  }
> {
  const programs = await Deno.makeTempDir({ prefix: "codex-image-programs-" });
  for (const name of PROGRAMS) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `command -v ${name === "test" ? "env test" : name}`],
    }).output();
    const [found] = new TextDecoder().decode(stdout).trim().split("\n");
    const path = name === "test" ? found.replace(/env$/, "test") : found;
    await Deno.symlink(path, join(programs, name));
  }
  const place = await openPlace({ PATH: programs });
  return {
    place,
    remove: (name) => Deno.remove(join(programs, name)),
    [Symbol.asyncDispose]: async () => {
      await place[Symbol.asyncDispose]();
      await Deno.remove(programs, { recursive: true });
    },
  };
}

Deno.test("a worker after which nobody can sweep costs neither its picture nor the server", async () => {
  await using opened = await openPlaceWithPrograms();
  await using server = await spawnServer({}, opened.place);
  await opened.remove("ps");
  // The conversion goes on while the sweep has failed already.
  const body = { prompt: "a fox", size: "3840x2160" };
  for (let time = 0; time < 2; time++) {
    const response = await server.generate(body);
    const { data } = await response.json();
    assertEquals([response.status, data.length], [200, 1]);
  }
  await server.untilIdle();
  const [line] = server.logLines("generate.cleanup_failed");
  assert(`${line.reason}`.includes("ps"), `${line.reason}`);
});

Deno.test("GET /readyz tells what it cannot check", async () => {
  await using opened = await openPlaceWithPrograms();
  await using server = await spawnServer({}, opened.place);
  await opened.remove("test");
  const response = await fetch(`${server.url}/readyz`);
  const { checks } = await response.json();
  assertEquals(response.status, 503);
  // deno-lint-ignore no-explicit-any
  const check = checks.find(({ name }: any) => name === "output_writable");
  assertEquals(check.ok, false);
  assert(check.detail.startsWith("Cannot check: "), check.detail);
});

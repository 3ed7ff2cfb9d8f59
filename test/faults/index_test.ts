import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { openPlace } from "../support/place.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { canMount } from "../support/small_disk.ts";
import { until } from "../support/until.ts";

const ignore = !await canMount();
const INDEX = "library.sqlite";

Deno.test("pictures are made, listed and served whatever happens to the index of the library", async (test) => {
  await using place = await openPlace();
  const path = join(place.dataDir, INDEX);
  const made: string[] = [];
  {
    await using server = await startTestService({}, place);
    await test.step("locked by another program", async () => {
      using other = new DatabaseSync(path);
      other.exec("BEGIN IMMEDIATE");
      await assertGoesOn(server, made);
      assertEquals(server.logLines("library.index_damaged").length, 1);
    });
    await test.step("overwritten", async () => {
      const { size } = await Deno.stat(path);
      await Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(size)));
      await assertGoesOn(server, made);
    });
    await test.step("removed", async () => {
      for (const end of ["", "-wal", "-shm"]) await Deno.remove(path + end);
      await assertGoesOn(server, made);
    });
  }
  await Deno.writeTextFile(path, "SQLite format 3\0".repeat(1_000));
  await using server = await startTestService({}, place);
  await test.step("damaged at the start", async () => {
    assertEquals(server.logLines("library.index_damaged").length, 1);
    await assertGoesOn(server, made);
  });
  await test.step({
    name: "locked where no other can be made",
    ignore,
    fn: async () => {
      using other = new DatabaseSync(path);
      await using _mounted = await makeReadOnly(path);
      other.exec("BEGIN IMMEDIATE");
      await assertGoesOn(server, made);
      assertEquals(server.logLines("library.index_damaged").length, 2);
    },
  });
});

/** A picture can be made, all of them are listed, and the new one is served. */
async function assertGoesOn(
  server: TestService,
  made: string[],
): Promise<void> {
  const response = await server.generate({ prompt: "a fox" });
  const { data: [{ id, url }] } = await response.json();
  made.unshift(id);
  let listed: unknown;
  await until(async () => {
    const { data } = await (await fetch(`${server.url}/v1/images`)).json();
    listed = data.map(({ id }: { readonly id: string }) => id);
    return `${listed}` === made.join();
  }, { ms: 5_000, state: () => `${listed} instead of ${made}` });
  const thumbnail = await fetch(`${url}?variant=thumbnail`);
  assert((await thumbnail.bytes()).length > 0);
  assertEquals(thumbnail.status, 200);
}

async function makeReadOnly(path: string): Promise<AsyncDisposable> {
  await run("mount", "--bind", path, path);
  await run("mount", "-o", "remount,bind,ro", path);
  return { [Symbol.asyncDispose]: () => run("umount", "--lazy", path) };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args }).output();
  assert(success, `${program} ${args.join(" ")}`);
}

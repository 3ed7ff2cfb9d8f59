import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { exists } from "../support/exists.ts";
import { startTestService } from "../support/service.ts";
import { canMount, mountSmallDisk } from "../support/small_disk.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const ignore = !await canMount();
const SLOW = "a fox sandbox:slow=400";

Deno.test("a picture whose output folder is removed while it is drawn waits for it in the data directory, and nothing is started until it is back", async () => {
  await using server = await startTestService();
  const { dataDir, outputDir, sandbox } = server.place;
  const answer = server.generate({ prompt: SLOW });
  await server.untilDrawing(1);
  await Deno.remove(outputDir, { recursive: true });
  const { id } = await assertWaits(await answer, dataDir);
  await assertNoRoom(await server.generate({ prompt: "a fox" }), "missing");
  assertEquals(sandbox.record.to("/v1/images/generations").length, 1);
  assertEquals(await exists(outputDir), false);
  await Deno.mkdir(outputDir);
  await assertGood(await server.generate({ prompt: "a fox" }));
  await until(() => filesIn(join(dataDir, "waiting")).length === 0);
  assertEquals(
    filesIn(outputDir).filter((name) => name.startsWith(id)),
    [`${id}.json`, `${id}.png`],
  );
  await server.untilIdle();
});

Deno.test(
  "an output folder that is unmounted while a picture is drawn is not written to, and gets the picture when it is back",
  { ignore },
  async () => {
    await using disk = await open(50_000_000);
    await using server = await startTestService({
      OUTPUT_DIR: disk.path,
      MIN_FREE_BYTES: "0",
    });
    const { dataDir } = server.place;
    const first = await server.generate({ prompt: "a fox" });
    const [{ id: before }] = (await first.json()).data;
    const answer = server.generate({ prompt: SLOW });
    await server.untilDrawing(2);
    const away = await disk.takeAway();
    const { id } = await assertWaits(await answer, dataDir);
    assertEquals(filesIn(disk.path), []);
    const ready = await fetch(`${server.url}/readyz`);
    assertStringIncludes(await ready.text(), "another directory");
    assertEquals(ready.status, 503);
    await assertNoRoom(await server.generate({ prompt: "a fox" }), disk.path);
    assertEquals(await idsOf(server.url), [id]);
    await until(async () => (await listOf(server.url)).indexing);
    await away.bringBack();
    const returned = Date.now();
    await until(async () => (await idsOf(server.url)).length === 2);
    await until(() => filesIn(join(dataDir, "waiting")).length === 0);
    assertLess(Date.now() - returned, 10_000);
    assertEquals(await idsOf(server.url), [id, before]);
    assertEquals(
      filesIn(disk.path),
      [id, before].flatMap((id) => [`${id}.json`, `${id}.png`]).sort(),
    );
    const file = await fetch(`${server.url}/v1/images/${id}/file`);
    assertEquals((await file.bytes()).length > 0, true);
    await server.untilIdle();
  },
);

Deno.test(
  "an output folder that becomes read-only while a picture is drawn is 507, and nothing is started after that",
  {
    ignore,
  },
  async () => {
    await using disk = await open(50_000_000);
    await using server = await startTestService({
      OUTPUT_DIR: disk.path,
      MIN_FREE_BYTES: "0",
    });
    const answer = server.generate({ prompt: SLOW });
    await server.untilDrawing(1);
    await disk.makeReadOnly();
    await assertNoRoom(await answer, "EROFS");
    await assertNoRoom(await server.generate({ prompt: "a fox" }), disk.path);
    assertEquals(server.logLines("codex.exec.start").length, 1);
    assertEquals(filesIn(disk.path), []);
    await server.untilIdle();
  },
);

Deno.test(
  "a disk that is full while a picture is stored is 507, and keeps what was stored before",
  {
    ignore,
  },
  async () => {
    await using disk = await open(6_000_000);
    await using server = await startTestService({
      OUTPUT_DIR: disk.path,
      MIN_FREE_BYTES: "0",
    });
    const first = await server.generate({
      prompt: "a fox sandbox:bytes=3000000",
    });
    const [{ bytes, id }] = (await first.json()).data;
    const second = await server.generate({
      prompt: "an owl sandbox:bytes=5000000",
    });
    await assertNoRoom(second, "ENOSPC");
    await server.untilIdle();
    assertEquals(filesIn(disk.path), [`${id}.json`, `${id}.png`]);
    const file = await fetch(`${server.url}/v1/images/${id}/file`);
    assertEquals((await file.bytes()).length, bytes);
  },
);

Deno.test("of several pictures those are kept that the disk has room for", {
  ignore,
}, async () => {
  await using disk = await open(6_000_000);
  await using server = await startTestService({
    OUTPUT_DIR: disk.path,
    MIN_FREE_BYTES: "0",
  });
  const response = await server.generate({
    prompt: "a fox sandbox:bytes=4000000",
    count: 2,
  });
  const { data, errors, status } = await response.json();
  assertEquals([response.status, status], [200, "partial"]);
  assertEquals([data.length, errors.length], [1, 1]);
  assertEquals(errors[0].code, "insufficient_storage");
  await server.untilIdle();
  assertEquals(filesIn(disk.path), [`${data[0].id}.json`, `${data[0].id}.png`]);
});

Deno.test(
  "an upload that the disk has no room for is 507, and nothing of it stays",
  {
    ignore,
  },
  async () => {
    await using disk = await open(30_000_000);
    await using server = await startTestService({
      DATA_DIR: disk.path,
      MIN_FREE_BYTES: "0",
    });
    const form = new FormData();
    form.set("prompt", "a fox");
    form.set("reference", new Blob([new Uint8Array(40_000_000)]), "a.png");
    const response = await fetch(`${server.url}/v1/images/generate`, {
      method: "POST",
      body: form,
    });
    await assertNoRoom(response, "no room");
    await until(() => filesIn(join(disk.path, "work")).length === 0);
    assertEquals(server.logLines("codex.exec.start"), []);
  },
);

async function open(bytes: number) {
  const disk = await mountSmallDisk(bytes);
  assert(disk !== undefined);
  return disk;
}

async function assertNoRoom(response: Response, says: string): Promise<void> {
  const { error } = await response.json();
  assertEquals([response.status, error.code], [507, "insufficient_storage"]);
  assertEquals(response.headers.get("x-should-retry"), "false");
  assertStringIncludes(error.message, says);
}

async function assertWaits(
  response: Response,
  dataDir: string,
): Promise<{ readonly id: string }> {
  const { data, error, warnings } = await response.json();
  assertEquals([response.status, error], [200, undefined]);
  const [image] = data;
  const path = join(dataDir, "waiting", `${image.id}.png`);
  assertEquals([image.path, await exists(path)], [path, true]);
  assertStringIncludes(warnings[0].message, path);
  return image;
}

async function listOf(url: string) {
  return await (await fetch(`${url}/v1/images`)).json();
}

async function idsOf(url: string): Promise<string[]> {
  const { data } = await listOf(url);
  return data.map(({ id }: { readonly id: string }) => id);
}

async function assertGood(response: Response): Promise<void> {
  await response.body?.cancel();
  assertEquals(response.status, 200);
}

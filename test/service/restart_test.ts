import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { TempNames } from "../../src/images/atomic_write.ts";
import { claimDataDir } from "../../src/storage/data_dir.ts";
import { openPlace } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";
import { filesIn } from "../support/test_server.ts";

Deno.test("after SIGKILL the next start ends the orphans, empties the work and keeps the images", async (test) => {
  await using place = await openPlace();
  let image: { id: string; bytes: number };
  let job: string;
  let tag: string;
  {
    await using server = await spawnServer({}, place);
    tag = await Deno.readTextFile(join(place.dataDir, "instance"));
    const finished = await server.generate({ prompt: "a fox" });
    [image] = (await finished.json()).data;
    const cut = server.generate({ prompt: "an owl sandbox:hang" })
      .catch((error) => error);
    const accepted = await server.generate({ prompt: "a hen sandbox:hang" }, {
      headers: { prefer: "respond-async" },
    });
    job = (await accepted.json()).id;
    await server.untilDrawing(3);
    server.kill("SIGKILL");
    assertNotEquals((await server.ended).code, 0);
    assert(await cut instanceof TypeError);
    assert((await server.processes()).length >= 2);
  }
  assert(filesIn(join(place.dataDir, "work")).length > 0);
  const half = new TempNames(await nameOf(place.dataDir)).next();
  const others = new TempNames("f".repeat(32)).next();
  for (const name of [half, others, "holiday.png"]) {
    await Deno.writeTextFile(join(place.outputDir, name), "half of i");
  }

  await using server = await spawnServer({}, place);
  assertEquals(await server.processes(), []);
  assertEquals(filesIn(join(place.dataDir, "work")), []);
  assertEquals(
    filesIn(place.outputDir),
    [`${image.id}.json`, `${image.id}.png`, others, "holiday.png"].sort(),
  );
  assert(Number(server.logLines("codex.orphans.killed")[0].processes) >= 2);
  const file = await fetch(`${server.url}/v1/images/${image.id}/file`);
  assertEquals((await file.arrayBuffer()).byteLength, image.bytes);
  const found = await (await fetch(`${server.url}/v1/jobs/${job}`)).json();
  assertEquals([found.status, found.error.code], [
    "failed",
    "server_restarted",
  ]);
  assertEquals(found.candidates[0].code, "server_restarted");
  const told = await fetch(`${server.url}/v1/jobs/${job}/events`, {
    headers: { "last-event-id": "2" },
  });
  assertEquals((await told.text()).match(/^event:.*$/gm), ["event:error"]);
  const next = await server.generate({ prompt: "an owl" });
  await next.body?.cancel();
  assertEquals(next.status, 200);

  await test.step("a server keeps its tag from start to start, and to itself", async () => {
    assertEquals(
      await Deno.readTextFile(join(place.dataDir, "instance")),
      tag,
    );
    const health = await (await fetch(`${server.url}/healthz`)).text();
    assert(!health.includes(tag), health);
  });
});

// By the same way as a server, which is not running now.
async function nameOf(dataDir: string): Promise<string> {
  using instance = await claimDataDir(dataDir);
  return instance.name;
}

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createRequire } from "node:module";
import { deadline } from "@std/async/deadline";
import { countWork } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { example } from "./programs.ts";
import { assertDistinct } from "./saved.ts";

interface Candidate {
  readonly phase: string;
  readonly image_id: string | null;
}

// The panel loads it in the same way.
const { connect } = createRequire(import.meta.url)(
  example("photoshop-uxp/server.js"),
);
const read = (name: string) =>
  Deno.readTextFile(example(`photoshop-uxp/${name}`));

Deno.test("photoshop-uxp", async (test) => {
  await using server = await startTestService({ API_KEY: "secret" });
  const panel = connect(server.url, "secret");

  await test.step("shows every candidate's progress and fetches the pictures", async () => {
    const prompt = "a fox sandbox:slow=1500";
    const job = await panel.startJob({ prompt, count: 2, references: [] });
    const seen: Candidate[][] = [];
    const answer = await panel.follow(
      job,
      (candidates: Candidate[]) => seen.push(candidates),
    );
    assertEquals(answer.data.length, 2);
    assert(seen.length > 1);
    assertEquals(seen.map(({ length }) => length), seen.map(() => 2));
    assert(seen[0].every(({ phase }) => phase !== "saved"));
    const ids = seen.at(-1)?.map(({ image_id }) => image_id) ?? [];
    const pictures = await Promise.all(ids.map((id) => panel.fetchPicture(id)));
    await assertDistinct(pictures.map((bytes) => new Uint8Array(bytes)), 2);
  });

  await test.step("cancels, and nothing is left at the server", async () => {
    const count = countWork(server);
    const prompt = "a fox sandbox:hang";
    const job = await panel.startJob({ prompt });
    const end = panel.follow(job, () => {});
    await count.untilDrawing(1);
    await panel.cancel(job);
    await assertRejects(() => deadline(end, 10_000), Error, "anceled");
    await server.untilIdle(10_000);
  });

  await test.step("says what the server says", async () => {
    await assertRejects(() => panel.startJob({}), Error, "prompt");
    const prompt = "a fox sandbox:moderation";
    const job = await panel.startJob({ prompt });
    await assertRejects(
      () => panel.follow(job, () => {}),
      Error,
      "rejected by the safety system",
    );
  });
});

Deno.test("photoshop-uxp may call the server that it calls, and its files find each other", async () => {
  const manifest = JSON.parse(await read("manifest.json"));
  assertEquals(manifest.manifestVersion, 5);
  assertEquals(manifest.requiredPermissions.network.domains, [
    "http://localhost:17341",
  ]);
  assert((await read("server.js")).includes('url = "http://localhost:17341"'));
  const page = await read(manifest.main);
  const scripts = [...page.matchAll(/<script src="([^"]+)"/g)];
  assertEquals(scripts.map(([, name]) => name), ["index.js"]);
  const script = await read("index.js");
  assert(script.includes('require("./server.js")'));
  const ids = [...script.matchAll(/element\("(\w+)"\)/g)].map(([, id]) => id);
  assert(ids.length > 5);
  assertEquals(ids.filter((id) => !page.includes(`id="${id}"`)), []);
});

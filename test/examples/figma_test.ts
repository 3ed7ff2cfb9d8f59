import { assert, assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { countWork } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { fetchFromFrame } from "./frame.ts";
import { example } from "./programs.ts";
import { assertDistinct } from "./saved.ts";

const KEY = "secret";
const read = (name: string) => Deno.readTextFile(example(`figma/${name}`));

// As Figma loads it: as a script of a page, and not as a module.
const connect = new Function(
  "fetch",
  `${scriptOf(await read("server.html"))}; return connect;`,
)(fetchFromFrame);

Deno.test("figma", async (test) => {
  await using server = await startTestService({ API_KEY: KEY });
  const panel = connect(KEY, server.url);

  await test.step("shows every candidate's progress and fetches the pictures", async () => {
    const job = await panel.startJob({ prompt: "a fox", count: 2 });
    const phases: string[][] = [[], []];
    const pictures: Uint8Array<ArrayBuffer>[] = [];
    const answer = await panel.follow(
      job,
      async (
        type: string,
        data: { readonly id: string; index: number; phase: string },
      ) => {
        if (type === "progress") phases[data.index].push(data.phase);
        if (type === "image") pictures.push(await panel.fetchPicture(data.id));
      },
    );
    assertEquals(answer.data.length, 2);
    await assertDistinct(pictures, 2);
    for (const told of phases) {
      assert(told.includes("started"));
      assertEquals(told.at(-1), "saved");
    }
  });

  await test.step("cancels, and nothing is left at the server", async () => {
    const count = countWork(server);
    const prompt = "a fox sandbox:hang";
    const job = await panel.startJob({ prompt });
    const end = panel.follow(job, () => {});
    await count.untilDrawing(1);
    panel.cancel(job);
    await assertRejects(() => deadline(end, 10_000), Error, "Canceled");
    await server.untilIdle(10_000);
  });

  await test.step("says what the server says, or that there is none", async () => {
    const stranger = connect("guess", server.url);
    const prompt = "a fox sandbox:moderation";
    await assertRejects(() => stranger.startJob({ prompt }), Error, "key");
    const nowhere = connect(KEY, "http://127.0.0.1:1");
    await assertRejects(() => nowhere.startJob({ prompt }), Error, "not run");
    const job = await panel.startJob({ prompt });
    await assertRejects(
      () => panel.follow(job, () => {}),
      Error,
      "rejected by the safety system",
    );
  });
});

Deno.test("figma may call the server that it calls, and its files find each other", async () => {
  const { main, networkAccess, ui } = JSON.parse(await read("manifest.json"));
  const url = "http://localhost:17341";
  assertEquals(networkAccess.allowedDomains, [url]);
  assertEquals(networkAccess.devAllowedDomains, [url]);
  assert((await read(ui.server)).includes(`url = "${url}"`));
  const code = await read(main);
  const shown = [...code.matchAll(/__uiFiles__\.(\w+)/g)];
  assertEquals(shown.map(([, name]) => name), Object.keys(ui));
  const page = await read(ui.panel);
  const ids = [...page.matchAll(/element\("(\w+)"\)/g)].map(([, id]) => id);
  assert(ids.length > 5);
  assertEquals(ids.filter((id) => !page.includes(`id="${id}"`)), []);
  // What the two say to each other.
  const said = [...page.matchAll(/type: "(ready|key|insert)"/g)];
  assertEquals(
    new Set(said.map(([, type]) => type)),
    new Set([...code.matchAll(/case "(\w+)"/g)].map(([, type]) => type)),
  );
});

function scriptOf(page: string): string {
  const [, script] = /^<script>\n(.*)<\/script>\s*$/s.exec(page) ?? [];
  return script;
}

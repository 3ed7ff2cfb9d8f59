import { assert, assertEquals, assertRejects } from "@std/assert";
import { createRequire } from "node:module";
import { deadline } from "@std/async/deadline";
import { countWork, untilGone } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { fetchFromFrame } from "./frame.ts";
import { example } from "./programs.ts";
import { assertDistinct } from "./saved.ts";

interface Candidate {
  readonly phase: string;
  readonly image_id: string | null;
}

const KEY = "secret";
const readFigma = (name: string) => Deno.readTextFile(example(`figma/${name}`));
const readPhotoshop = (name: string) =>
  Deno.readTextFile(example(`photoshop-uxp/${name}`));

// As Figma loads it: as a script of a page, and not as a module.
const connectFigma = new Function(
  "fetch",
  `${scriptOf(await readFigma("server.html"))}; return connect;`,
)(fetchFromFrame);
// The panel of Photoshop loads it in the same way.
const { connect: connectPhotoshop } = createRequire(import.meta.url)(
  example("photoshop-uxp/server.js"),
);

Deno.test("the panels of design programs", async (test) => {
  await using server = await startTestService({ API_KEY: KEY });
  const figma = connectFigma(KEY, server.url);
  const photoshop = connectPhotoshop(server.url, KEY);

  await test.step("figma shows every candidate's progress and fetches the pictures", async () => {
    const job = await figma.startJob({ prompt: "a fox", count: 2 });
    const phases: string[][] = [[], []];
    const pictures: Uint8Array<ArrayBuffer>[] = [];
    const answer = await figma.follow(
      job,
      async (
        type: string,
        data: { readonly id: string; index: number; phase: string },
      ) => {
        if (type === "progress") phases[data.index].push(data.phase);
        if (type === "image") pictures.push(await figma.fetchPicture(data.id));
      },
    );
    assertEquals(answer.data.length, 2);
    await assertDistinct(pictures, 2);
    for (const told of phases) {
      assert(told.includes("started"));
      assertEquals(told.at(-1), "saved");
    }
  });

  await test.step("figma cancels, and nothing is left at the server", async () => {
    const count = countWork(server);
    const prompt = "a fox sandbox:hang";
    const job = await figma.startJob({ prompt });
    const end = figma.follow(job, () => {});
    await count.untilDrawing(1);
    figma.cancel(job);
    await assertRejects(() => deadline(end, 10_000), Error, "Canceled");
    await untilGone(server);
  });

  await test.step("figma says what the server says, or that there is none", async () => {
    const stranger = connectFigma("guess", server.url);
    const prompt = "a fox sandbox:moderation";
    await assertRejects(() => stranger.startJob({ prompt }), Error, "key");
    const nowhere = connectFigma(KEY, "http://127.0.0.1:1");
    await assertRejects(() => nowhere.startJob({ prompt }), Error, "not run");
    const job = await figma.startJob({ prompt });
    await assertRejects(
      () => figma.follow(job, () => {}),
      Error,
      "rejected by the safety system",
    );
  });

  await test.step("photoshop-uxp shows every candidate's progress and fetches the pictures", async () => {
    const prompt = "a fox sandbox:slow=1500";
    const job = await photoshop.startJob({ prompt, count: 2, references: [] });
    const seen: Candidate[][] = [];
    const answer = await photoshop.follow(
      job,
      (candidates: Candidate[]) => seen.push(candidates),
    );
    assertEquals(answer.data.length, 2);
    assert(seen.length > 1);
    assertEquals(seen.map(({ length }) => length), seen.map(() => 2));
    assert(seen[0].every(({ phase }) => phase !== "saved"));
    const ids = seen.at(-1)?.map(({ image_id }) => image_id) ?? [];
    const pictures = await Promise.all(
      ids.map((id) => photoshop.fetchPicture(id)),
    );
    await assertDistinct(pictures.map((bytes) => new Uint8Array(bytes)), 2);
  });

  await test.step("photoshop-uxp cancels, and nothing is left at the server", async () => {
    const count = countWork(server);
    const prompt = "a fox sandbox:hang";
    const job = await photoshop.startJob({ prompt });
    const end = photoshop.follow(job, () => {});
    await count.untilDrawing(1);
    await photoshop.cancel(job);
    await assertRejects(() => deadline(end, 10_000), Error, "anceled");
    await untilGone(server);
  });

  await test.step("photoshop-uxp says what the server says", async () => {
    await assertRejects(() => photoshop.startJob({}), Error, "prompt");
    const prompt = "a fox sandbox:moderation";
    const job = await photoshop.startJob({ prompt });
    await assertRejects(
      () => photoshop.follow(job, () => {}),
      Error,
      "rejected by the safety system",
    );
  });
});

Deno.test("figma may call the server that it calls, and its files find each other", async () => {
  const { main, networkAccess, ui } = JSON.parse(
    await readFigma("manifest.json"),
  );
  const url = "http://localhost:17341";
  assertEquals(networkAccess.allowedDomains, [url]);
  assertEquals(networkAccess.devAllowedDomains, [url]);
  assert((await readFigma(ui.server)).includes(`url = "${url}"`));
  const code = await readFigma(main);
  const shown = [...code.matchAll(/__uiFiles__\.(\w+)/g)];
  assertEquals(shown.map(([, name]) => name), Object.keys(ui));
  const page = await readFigma(ui.panel);
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

Deno.test("photoshop-uxp may call the server that it calls, and its files find each other", async () => {
  const manifest = JSON.parse(await readPhotoshop("manifest.json"));
  assertEquals(manifest.manifestVersion, 5);
  assertEquals(manifest.requiredPermissions.network.domains, [
    "http://localhost:17341",
  ]);
  assert(
    (await readPhotoshop("server.js")).includes(
      'url = "http://localhost:17341"',
    ),
  );
  const page = await readPhotoshop(manifest.main);
  const scripts = [...page.matchAll(/<script src="([^"]+)"/g)];
  assertEquals(scripts.map(([, name]) => name), ["index.js"]);
  const script = await readPhotoshop("index.js");
  assert(script.includes('require("./server.js")'));
  const ids = [...script.matchAll(/element\("(\w+)"\)/g)].map(([, id]) => id);
  assert(ids.length > 5);
  assertEquals(ids.filter((id) => !page.includes(`id="${id}"`)), []);
});

function scriptOf(page: string): string {
  const [, script] = /^<script>\n(.*)<\/script>\s*$/s.exec(page) ?? [];
  return script;
}

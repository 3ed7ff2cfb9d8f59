import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { canBrowse, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { startPageServer } from "./page_server.ts";
import { storePicture } from "./target.ts";

const ignore = !await canBrowse();
const browser = useChromium();
const JSON_TYPE = { "content-type": "application/json" };

Deno.test(
  "a page of an allowed origin generates from JSON, and shows the picture",
  {
    ignore,
  },
  async () => {
    await using visit = await visitAsFriend();
    const { page, server } = visit;
    const answer = await callInPage(
      page,
      "call",
      `${server.url}/v1/images/generate`,
      {
        method: "POST",
        headers: JSON_TYPE,
        body: JSON.stringify({ prompt: "a fox", size: "1024x1024" }),
      },
    );
    assertEquals(answer.status, 200);
    const { url } = JSON.parse(answer.text);
    assertEquals(await callInPage(page, "show", url), "1024x1024");
    assertEquals(await callInPage(page, "showPlainly", url), "1024x1024");
  },
);

Deno.test(
  "a page of an allowed origin generates from a form with a file of its own",
  {
    ignore,
  },
  async () => {
    await using visit = await visitAsFriend();
    const { page, server } = visit;
    const made = await callInPage(page, "generateFromDrawing", server.url);
    assertEquals(made.status, 200);
    const [sent] = server.place.sandbox.record.to("/v1/images/edits");
    assertEquals(sent.references, [made.sha256]);
  },
);

Deno.test("a page of an allowed origin reads the headers that matter", {
  ignore,
}, async () => {
  await using visit = await visitAsFriend();
  const { page, server } = visit;
  const { image } = await storePicture(server);
  const url = `${server.url}/v1/images/generate`;
  const post = (prompt: string, headers = {}) =>
    callInPage(page, "call", url, {
      method: "POST",
      headers: { ...JSON_TYPE, "x-request-id": "mine", ...headers },
      body: JSON.stringify({ prompt }),
    });
  const job = await post("a fox", { prefer: "respond-async" });
  assertEquals([job.status, job.headers["x-request-id"]], [202, "mine"]);
  assertMatch(job.headers.location, /^\/v1\/jobs\/gen_/);
  const limited = await post("a fox sandbox:rate-limit");
  assertEquals(limited.status, 429);
  assert(Number(limited.headers["retry-after"]) >= 1);
  const file = await callInPage(page, "call", image);
  assertMatch(file.headers.etag, /^".+"$/);
  await server.untilIdle(10_000);
});

Deno.test(
  "a page of an allowed origin sees each picture of a stream as it lands",
  {
    ignore,
  },
  async () => {
    await using visit = await visitAsFriend();
    const { page, server } = visit;
    const names = await callInPage(page, "streamFirstPicture", server.url, {
      // The second candidate hangs, so that the first has not waited for it.
      prompt: "a fox sandbox:hang@2",
      count: 2,
    });
    assert(names.includes("progress"));
    assertEquals(names.at(-1), "image");
    await server.untilIdle();
  },
);

Deno.test("a page of an allowed origin removes a picture", {
  ignore,
}, async () => {
  await using visit = await visitAsFriend();
  const { page, server } = visit;
  const { image } = await storePicture(server);
  const removed = await callInPage(page, "call", image.replace("/file", ""), {
    method: "DELETE",
  });
  assertEquals(removed.status, 204);
  assertEquals((await callInPage(page, "call", image)).status, 404);
});

Deno.test("a page of an allowed origin that aborts leaves no process behind", {
  ignore,
}, async () => {
  await using visit = await visitAsFriend();
  const { page, server } = visit;
  const ended = callInPage(page, "generateUntilLeaving", server.url, {
    prompt: "a fox sandbox:hang",
    count: 4,
  });
  await server.untilDrawing(4);
  await callInPage(page, "leave");
  assertEquals(await ended, "AbortError");
  await server.untilIdle();
  assertEquals(server.logLines("generate.abort").length, 1);
});

Deno.test(
  "a page of an allowed origin that is closed leaves no process behind",
  {
    ignore,
  },
  async () => {
    await using visit = await visitAsFriend();
    const { page, server } = visit;
    const ended = callInPage(page, "generateUntilLeaving", server.url, {
      prompt: "a fox sandbox:hang",
      count: 4,
    }).catch(({ message }) => message);
    await server.untilDrawing(4);
    await page.close();
    assertMatch(await ended, /closed/);
    await server.untilIdle();
  },
);

/** Opens a page whose origin the server lets in. */
async function visitAsFriend() {
  await using parts = new AsyncDisposableStack();
  const pages = parts.use(startPageServer());
  const server = parts.use(
    await startTestService({ ALLOWED_ORIGINS: pages.origin }),
  );
  const { page } = parts.use(await browser.openPage());
  await page.goto(`${pages.origin}/page.html`);
  const all = parts.move();
  return {
    page,
    server,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

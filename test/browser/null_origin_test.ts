import { assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { canBrowse, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { startPageServer } from "./page_server.ts";
import { assertOnlyPicture, storePicture } from "./target.ts";

const ignore = !await canBrowse();
const browser = useChromium();
const KEY = "the-right-key";
const JSON_TYPE = { "content-type": "application/json" };
const BODY = JSON.stringify({ prompt: "a fox" });

Deno.test("a sandboxed frame with the key generates, and reads the picture", {
  ignore,
}, async () => {
  await using visit = await visitInFrame();
  const { frame, server } = visit;
  const key = { "x-api-key": KEY };
  const made = await callInPage(frame, "generateFromDrawing", server.url, key);
  assertEquals(made.status, 200);
  const { references, url } = JSON.parse(made.text);
  assertEquals(references[0].sha256, made.sha256);
  assertEquals(await callInPage(frame, "decode", url, key), "1536x1024");
  assertEquals(await callInPage(frame, "showPlainly", url), "1536x1024");
  const listed = await callInPage(frame, "call", `${server.url}/v1/images`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  assertEquals(JSON.parse(listed.text).data.length, 1);
});

Deno.test(
  "a sandboxed frame with a wrong key reads nothing and starts nothing",
  {
    ignore,
  },
  async () => {
    await using visit = await visitInFrame();
    const { frame, server } = visit;
    const target = await storePicture(server);
    const { base, image } = target;
    const wrong = { "x-api-key": `${KEY}!` };
    const attempts = [
      [image, { headers: wrong }],
      [image.replace("/file", ""), { method: "DELETE", headers: wrong }],
      [`${base}/healthz`, { headers: wrong }],
      [`${base}/v1/jobs`, { headers: wrong }],
      [`${base}/v1/images/generate`, {
        method: "POST",
        headers: { ...JSON_TYPE, ...wrong },
        body: BODY,
      }],
    ] as const;
    for (const attempt of attempts) {
      assertEquals(
        await callInPage(frame, "tryToCall", ...attempt),
        "TypeError",
      );
    }
    await assertOnlyPicture(server, target);
  },
);

/** Opens a page with a sandboxed frame beside a server that has a key. */
async function visitInFrame() {
  await using parts = new AsyncDisposableStack();
  const pages = parts.use(startPageServer());
  const server = parts.use(await startTestService({ API_KEY: KEY }));
  const { page } = parts.use(await browser.openPage());
  await page.goto(`${pages.origin}/frame.html`);
  const frame = page.frame("sandboxed");
  if (frame === null) throw new Error("Cannot find the frame of the page");
  assertEquals(await frame.evaluate("origin"), "null");
  const all = parts.move();
  return { frame, server, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

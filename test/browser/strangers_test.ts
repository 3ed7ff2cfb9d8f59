import { assert, assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import {
  ALLOWED_HOST,
  canBrowse,
  REBOUND_HOST,
  useChromium,
} from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { type PageServer, startPageServer } from "./page_server.ts";
import { assertOnlyPicture, storePicture } from "./target.ts";
import { watchTraffic } from "./traffic.ts";

const ignore = !await canBrowse();
const browser = useChromium();
const KEY = "the-right-key";

/** Who comes by, and from where. */
const STRANGERS: Readonly<
  Record<string, (pages: PageServer) => readonly [page: string, path: string]>
> = {
  "a page at another port": ({ origin }) => [origin, "/page.html"],
  "a page at another name": ({ namedOrigin }) => [namedOrigin, "/page.html"],
  "a sandboxed frame": ({ origin }) => [origin, "/frame.html"],
};

/** Forms that take the whole page with them. */
const FORMS: Readonly<Record<string, (to: string) => string>> = {
  "a form": (to) => `to=${to}`,
  "a form that does not say where it comes from": (to) => `quiet&to=${to}`,
  "a form that is sent on": (to) => `to=/redirect?to=${to}`,
};

Deno.test("a server without a key", { ignore }, async (test) => {
  await using pages = startPageServer();
  await using server = await startTestService();
  const target = await storePicture(server);
  await using tab = await browser.openPage();

  for (const [title, site] of Object.entries(STRANGERS)) {
    const [page, path] = site(pages);
    await tab.page.goto(page + path);
    const frame = tab.page.frame("sandboxed") ?? tab.page;

    await test.step(`${title} reads nothing`, async () => {
      const traffic = watchTraffic(tab.context, server.url);
      const outcomes = await callInPage(frame, "readInEveryWay", target);
      assertEquals(outcomes, {
        fetchHealth: "TypeError",
        fetchImages: "TypeError",
        fetchJobs: "TypeError",
        fetchMetrics: "TypeError",
        fetchPicture: "TypeError",
        fetchPictureWithoutCors: "0 without a body",
        followEvents: "error",
        openSocket: "error",
        runAsScript: "error",
        showObject: "error",
        showPicture: "error",
        showPictureWithCors: "error",
        useAsStyle: "error",
      });
      // The browser keeps quiet about sockets.
      await assertRefused(traffic.settled(Object.keys(outcomes).length - 1));
    });

    await test.step(`${title} starts nothing and removes nothing`, async () => {
      const traffic = watchTraffic(tab.context, server.url);
      const outcomes = await callInPage(frame, "sendInEveryWay", {
        ...target,
        page,
      });
      await assertRefused(traffic.settled(Object.keys(outcomes).length));
      await assertOnlyPicture(server, target);
    });
  }

  for (const [title, query] of Object.entries(FORMS)) {
    await test.step(`${title} that takes the whole page with it starts nothing`, async () => {
      const traffic = watchTraffic(tab.context, server.url);
      const to = `${server.url}/v1/images/generate`;
      await tab.page.goto(`${pages.origin}/form.html?${query(to)}`);
      await tab.page.waitForURL(to);
      const text = await tab.page.locator("body").innerText();
      assertEquals(JSON.parse(text).error.code, "forbidden_origin");
      assertEquals(await traffic.settled(1), ["POST /v1/images/generate 403"]);
      await assertOnlyPicture(server, target);
    });
  }

  await test.step("a picture in a window of its own can be seen, and not by the page that opened it", async () => {
    await tab.page.goto(`${pages.origin}/page.html`);
    const opening = tab.context.waitForEvent("page");
    await callInPage(tab.page, "openWindow", target.image);
    const popup = await opening;
    await popup.waitForLoadState();
    assertEquals(popup.url(), target.image);
    assertEquals(await popup.evaluate("document.images[0].naturalWidth"), 1536);
    assertEquals(await popup.evaluate("origin"), "null");
    assertEquals(await callInPage(tab.page, "lookIntoWindow"), "SecurityError");
  });
});

Deno.test("a server at the port of a page", { ignore }, async (test) => {
  await using tabs = new AsyncDisposableStack();
  const stranger = tabs.use(await browser.openPage());
  const friend = tabs.use(await browser.openPage());
  const port = await (async () => {
    await using pages = startPageServer();
    const { port } = pages;
    await stranger.page.goto(`http://${REBOUND_HOST}:${port}/page.html`);
    await friend.page.goto(`http://${ALLOWED_HOST}:${port}/page.html`);
    return port;
  })();
  // Both names come to stand for this server, which is told about one of them.
  await using server = await startTestService({
    ALLOWED_HOSTS: ALLOWED_HOST,
    PORT: `${port}`,
  });
  const stored = await storePicture(server);
  const targetAt = (host: string) => {
    const base = `http://${host}:${port}`;
    const image = base + new URL(stored.image).pathname;
    return { ...stored, base, image, page: base };
  };

  await test.step("a page whose name has come to stand for this server reads nothing", async () => {
    const target = targetAt(REBOUND_HOST);
    const outcomes = await callInPage(stranger.page, "readInEveryWay", target);
    assertEquals(outcomes, {
      fetchHealth: "403 with a body",
      fetchImages: "403 with a body",
      fetchJobs: "403 with a body",
      fetchMetrics: "403 with a body",
      fetchPicture: "403 with a body",
      fetchPictureWithoutCors: "403 with a body",
      followEvents: "error",
      openSocket: "error",
      runAsScript: "error",
      showObject: "error",
      showPicture: "error",
      showPictureWithCors: "error",
      useAsStyle: "error",
    });
    const { status, text } = await callInPage(
      stranger.page,
      "call",
      target.image,
    );
    assertEquals(
      [status, JSON.parse(text).error.code],
      [403, "forbidden_host"],
    );
  });

  await test.step("a page whose name has come to stand for this server starts nothing and removes nothing", async () => {
    const target = targetAt(REBOUND_HOST);
    const traffic = watchTraffic(stranger.context, target.base);
    const outcomes = await callInPage(stranger.page, "sendInEveryWay", target);
    const answers = await traffic.settled(Object.keys(outcomes).length);
    assertEquals(answers.filter((answer) => !answer.endsWith(" 403")), []);
    await assertOnlyPicture(server, stored);
  });

  await test.step("a page at a name in ALLOWED_HOSTS may do what a page of the server may", async () => {
    const target = targetAt(ALLOWED_HOST);
    assertEquals(await callInPage(friend.page, "readInEveryWay", target), {
      fetchHealth: "200 with a body",
      fetchImages: "200 with a body",
      fetchJobs: "200 with a body",
      fetchMetrics: "200 with a body",
      fetchPicture: "200 with a body",
      fetchPictureWithoutCors: "200 with a body",
      followEvents: "open",
      openSocket: "error",
      runAsScript: "load",
      showObject: "load",
      showPicture: "load",
      showPictureWithCors: "load",
      useAsStyle: "load",
    });
  });
});

Deno.test("a server with a key", { ignore }, async (test) => {
  await using pages = startPageServer();
  await using server = await startTestService({ API_KEY: KEY });
  const target = await storePicture(server);
  await using tab = await browser.openPage();
  await tab.page.goto(`${pages.origin}/frame.html`);
  const frame = tab.page.frame("sandboxed");
  if (frame === null) throw new Error("Cannot find the frame of the page");
  assertEquals(await frame.evaluate("origin"), "null");

  await test.step("a sandboxed frame with a wrong key reads nothing and starts nothing", async () => {
    const { base, image } = target;
    const wrong = { "x-api-key": `${KEY}!` };
    const attempts = [
      [image, { headers: wrong }],
      [image.replace("/file", ""), { method: "DELETE", headers: wrong }],
      [`${base}/healthz`, { headers: wrong }],
      [`${base}/v1/jobs`, { headers: wrong }],
      [`${base}/v1/images/generate`, {
        method: "POST",
        headers: { "content-type": "application/json", ...wrong },
        body: JSON.stringify({ prompt: "a fox" }),
      }],
    ] as const;
    for (const attempt of attempts) {
      assertEquals(
        await callInPage(frame, "tryToCall", ...attempt),
        "TypeError",
      );
    }
    await assertOnlyPicture(server, target);
  });

  await test.step("a sandboxed frame with the key generates, and reads the picture", async () => {
    const { url: base } = server;
    const key = { "x-api-key": KEY };
    const made = await callInPage(frame, "generateFromDrawing", base, key);
    assertEquals(made.status, 200);
    const { data: [{ id }], references, url } = JSON.parse(made.text);
    assertEquals(references[0].sha256, made.sha256);
    assertEquals(await callInPage(frame, "decode", url, key), "1536x1024");
    assertEquals(await callInPage(frame, "showPlainly", url), "1536x1024");
    const listed = await callInPage(frame, "call", `${base}/v1/images`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    assertEquals(JSON.parse(listed.text).data[0].id, id);
  });
});

/** No answer but a refusal, and nothing that the browser lets the page see. */
async function assertRefused(
  answers: Promise<readonly string[]>,
): Promise<void> {
  for (const answer of await answers) {
    assert(/ (?:403|failed)$/.test(answer), answer);
  }
}

import { assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import type { TestSettings } from "../support/place.ts";
import { canBrowse, REBOUND_HOST, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { startPageServer } from "./page_server.ts";
import { assertOnlyPicture, storePicture } from "./target.ts";
import { watchTraffic } from "./traffic.ts";

const ignore = !await canBrowse();
const browser = useChromium();

Deno.test("a page whose name has come to stand for this server reads nothing", {
  ignore,
}, async () => {
  await using meeting = await meet();
  const { page, target } = meeting;
  const outcomes = await callInPage(page, "readInEveryWay", target);
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
  const { status, text } = await callInPage(page, "call", target.image);
  assertEquals(
    [status, JSON.parse(text).error.code],
    [403, "forbidden_host"],
  );
});

Deno.test(
  "a page whose name has come to stand for this server starts nothing and removes nothing",
  {
    ignore,
  },
  async () => {
    await using meeting = await meet();
    const { page, server, stored, target, traffic } = meeting;
    const outcomes = await callInPage(page, "sendInEveryWay", target);
    const answers = await traffic.settled(Object.keys(outcomes).length);
    assertEquals(answers.filter((answer) => !answer.endsWith(" 403")), []);
    await assertOnlyPicture(server, stored);
  },
);

Deno.test(
  "a page at a name in ALLOWED_HOSTS may do what a page of the server may",
  {
    ignore,
  },
  async () => {
    await using meeting = await meet({ ALLOWED_HOSTS: REBOUND_HOST });
    const { page, target } = meeting;
    const outcomes = await callInPage(page, "readInEveryWay", target);
    assertEquals(outcomes, {
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
  },
);

/** Loads a page from another server, which then makes room for the image server at the same name and port. */
async function meet(settings: TestSettings = {}) {
  await using parts = new AsyncDisposableStack();
  const tab = parts.use(await browser.openPage());
  const { context, page } = tab;
  const port = await (async () => {
    await using pages = startPageServer();
    await page.goto(`http://${REBOUND_HOST}:${pages.port}/page.html`);
    return pages.port;
  })();
  const base = `http://${REBOUND_HOST}:${port}`;
  const server = parts.use(
    await startTestService({ ...settings, PORT: `${port}` }),
  );
  const stored = await storePicture(server);
  const image = base + new URL(stored.image).pathname;
  const target = { ...stored, base, image, page: base };
  const traffic = watchTraffic(context, base);
  const all = parts.move();
  return {
    page,
    server,
    stored,
    target,
    traffic,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

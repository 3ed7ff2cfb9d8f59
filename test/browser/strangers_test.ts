import { assert, assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { canBrowse, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { type PageServer, startPageServer } from "./page_server.ts";
import { assertOnlyPicture, storePicture } from "./target.ts";
import { watchTraffic } from "./traffic.ts";

const ignore = !await canBrowse();
const browser = useChromium();

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

for (const [title, site] of Object.entries(STRANGERS)) {
  Deno.test(`${title} reads nothing`, { ignore }, async () => {
    await using pages = startPageServer();
    await using server = await startTestService();
    const target = await storePicture(server);
    await using tab = await browser.openPage();
    const [page, path] = site(pages);
    await tab.page.goto(page + path);
    const traffic = watchTraffic(tab.context, server.url);
    const frame = tab.page.frame("sandboxed") ?? tab.page;
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

  Deno.test(`${title} starts nothing and removes nothing`, {
    ignore,
  }, async () => {
    await using pages = startPageServer();
    await using server = await startTestService();
    const target = await storePicture(server);
    await using tab = await browser.openPage();
    const [page, path] = site(pages);
    await tab.page.goto(page + path);
    const traffic = watchTraffic(tab.context, server.url);
    const frame = tab.page.frame("sandboxed") ?? tab.page;
    const outcomes = await callInPage(frame, "sendInEveryWay", {
      ...target,
      page,
    });
    await assertRefused(traffic.settled(Object.keys(outcomes).length));
    await assertOnlyPicture(server, target);
  });
}

for (const [title, query] of Object.entries(FORMS)) {
  Deno.test(`${title} that takes the whole page with it starts nothing`, {
    ignore,
  }, async () => {
    await using pages = startPageServer();
    await using server = await startTestService();
    const target = await storePicture(server);
    await using tab = await browser.openPage();
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

Deno.test(
  "a picture in a window of its own can be seen, and not by the page that opened it",
  {
    ignore,
  },
  async () => {
    await using pages = startPageServer();
    await using server = await startTestService();
    const target = await storePicture(server);
    await using tab = await browser.openPage();
    await tab.page.goto(`${pages.origin}/page.html`);
    const opening = tab.context.waitForEvent("page");
    await callInPage(tab.page, "openWindow", target.image);
    const popup = await opening;
    await popup.waitForLoadState();
    assertEquals(popup.url(), target.image);
    assertEquals(await popup.evaluate("document.images[0].naturalWidth"), 1536);
    assertEquals(await popup.evaluate("origin"), "null");
    assertEquals(await callInPage(tab.page, "lookIntoWindow"), "SecurityError");
  },
);

Deno.test(
  "the same ways of reading lead in from an allowed origin that they tell",
  {
    ignore,
  },
  async () => {
    await using pages = startPageServer();
    await using server = await startTestService({
      ALLOWED_ORIGINS: pages.origin,
    });
    const target = await storePicture(server);
    await using tab = await browser.openPage();
    await tab.page.goto(`${pages.origin}/page.html`);
    assertEquals(await callInPage(tab.page, "readInEveryWay", target), {
      fetchHealth: "200 with a body",
      fetchImages: "200 with a body",
      fetchJobs: "200 with a body",
      fetchMetrics: "200 with a body",
      fetchPicture: "200 with a body",
      fetchPictureWithoutCors: "0 without a body",
      followEvents: "open",
      openSocket: "error",
      runAsScript: "error",
      showObject: "load",
      showPicture: "load",
      showPictureWithCors: "load",
      useAsStyle: "error",
    });
  },
);

Deno.test("the same ways of sending start work from an allowed origin", {
  ignore,
}, async () => {
  await using pages = startPageServer();
  await using server = await startTestService({
    ALLOWED_ORIGINS: pages.origin,
  });
  const target = { ...await storePicture(server), page: pages.origin };
  await using tab = await browser.openPage();
  await tab.page.goto(`${pages.origin}/page.html`);
  const traffic = watchTraffic(tab.context, server.url);
  const outcomes = await callInPage(tab.page, "sendInEveryWay", target);
  const answers = await traffic.settled(Object.keys(outcomes).length);
  const times = (outcome: string) =>
    answers.filter((answer) => answer.endsWith(` ${outcome}`)).length;
  assertEquals([times("200"), times("204")], [8, 1]);
  // Text is not JSON, a redirect loses the origin, and a beacon of JSON wants to bring cookies.
  assertEquals([times("415"), times("403"), times("failed")], [3, 2, 1]);
  await until(() => server.logLines("generate.success").length === 1 + 8);
});

/** No answer but a refusal, and nothing that the browser lets the page see. */
async function assertRefused(
  answers: Promise<readonly string[]>,
): Promise<void> {
  for (const answer of await answers) {
    assert(/ (?:403|failed)$/.test(answer), answer);
  }
}

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { countWork, untilGone } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { canBrowse, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { startPageServer } from "./page_server.ts";
import { watchPreflights } from "./preflights.ts";
import { watchTraffic } from "./traffic.ts";

const ignore = !await canBrowse();
const browser = useChromium();
const JSON_TYPE = { "content-type": "application/json" };

Deno.test("a page of an allowed origin", { ignore }, async (test) => {
  await using pages = startPageServer();
  await using server = await startTestService({
    ALLOWED_ORIGINS: pages.origin,
  });
  await using tab = await browser.openPage();
  const { context, page } = tab;
  const base = server.url;
  const generate = `${base}/v1/images/generate`;
  const post = (body: unknown, headers = {}) =>
    callInPage(page, "call", generate, {
      method: "POST",
      headers: { ...JSON_TYPE, "x-request-id": "mine", ...headers },
      body: JSON.stringify(body),
    });
  await page.goto(`${pages.origin}/page.html`);
  const made = await post({ prompt: "a fox", size: "1024x1024" });
  const { id: job, url } = JSON.parse(made.text);
  const [image] = url.split("?");

  await test.step("generates from JSON, and shows the picture", async () => {
    assertEquals(made.status, 200);
    assertEquals(await callInPage(page, "show", url), "1024x1024");
    assertEquals(await callInPage(page, "showPlainly", url), "1024x1024");
  });

  await test.step("generates from a form with a file of its own, and removes the picture", async () => {
    const count = countWork(server);
    const made = await callInPage(page, "generateFromDrawing", base);
    assertEquals(made.status, 200);
    assertEquals(count.drawings[0].references, [made.sha256]);
    const { data: [{ id }] } = JSON.parse(made.text);
    const path = `${base}/v1/images/${id}`;
    const removed = await callInPage(page, "call", path, { method: "DELETE" });
    assertEquals(removed.status, 204);
    assertEquals((await callInPage(page, "call", path)).status, 404);
  });

  await test.step("reads the headers that matter", async () => {
    const job = await post({ prompt: "a fox" }, { prefer: "respond-async" });
    assertEquals([job.status, job.headers["x-request-id"]], [202, "mine"]);
    assertMatch(job.headers.location, /^\/v1\/jobs\/gen_/);
    const file = await callInPage(page, "call", image);
    assertMatch(file.headers.etag, /^".+"$/);
    await server.untilIdle(10_000);
  });

  await test.step("sees each picture of a stream as it lands", async () => {
    const names = await callInPage(page, "streamFirstPicture", base, {
      // The second candidate hangs, so that the first has not waited for it.
      prompt: "a fox sandbox:hang@2",
      count: 2,
    });
    assert(names.includes("progress"));
    assertEquals(names.at(-1), "image");
    await untilGone(server);
  });

  await test.step("reads in the ways that strangers try", async () => {
    const target = { base, image, job };
    assertEquals(await callInPage(page, "readInEveryWay", target), {
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
  });

  await test.step("leaves no process behind when it aborts", async () => {
    const count = countWork(server);
    const ended = callInPage(page, "generateUntilLeaving", base, {
      prompt: "a fox sandbox:hang",
      count: 2,
    });
    const aborts = server.logLines("generate.abort").length;
    await count.untilDrawing(2);
    await callInPage(page, "leave");
    assertEquals(await ended, "AbortError");
    await untilGone(server);
    assertEquals(server.logLines("generate.abort").length, aborts + 1);
  });

  await test.step("leaves no process behind when it is closed", async () => {
    const count = countWork(server);
    await using tab = await browser.openPage();
    await tab.page.goto(`${pages.origin}/page.html`);
    const ended = callInPage(tab.page, "generateUntilLeaving", base, {
      prompt: "a fox sandbox:hang",
    }).catch(({ message }) => message);
    await count.untilDrawing(1);
    await tab.page.close();
    assertMatch(await ended, /closed/);
    await untilGone(server);
  });

  await page.goto(`${pages.origin}/openai.html`);

  await test.step("generates with openai 7, and shows the picture", async () => {
    assertEquals(await callInPage(page, "generatePicture", base), "1024x1024");
  });

  await test.step("edits a file with openai 7", async () => {
    const count = countWork(server);
    assertEquals(await callInPage(page, "editPicture", base), "1536x1024");
    assertEquals(count.drawings[0].references?.length, 1);
  });

  await test.step("streams pictures with openai 7, and shows them", async () => {
    const completed = "image_generation.completed 1536x1024";
    assertEquals(
      await callInPage(page, "streamPictures", base),
      [completed, completed],
    );
  });

  await test.step("reads with openai 7 what is wrong and where, after the preflight that the browser sends", async () => {
    const count = countWork(server);
    await using tab = await browser.openPage();
    await tab.page.goto(`${pages.origin}/openai.html`);
    const preflights = await watchPreflights(tab.page);
    const error = await callInPage(tab.page, "generateWrongly", base);
    assert(error.isBadRequest);
    assertEquals([error.code, error.param], ["invalid_size", "size"]);
    assertStringIncludes(error.message, '"1024x1024"');
    // The client reads this from a header.
    assert(error.requestID);
    assertEquals(count.runs, 0);
    const [preflight] = await until(() =>
      preflights.some(({ status }) => status !== undefined) && preflights
    );
    const { requestedHeaders, ...rest } = preflight;
    assertEquals(rest, {
      path: "/v1/images/generations",
      method: "OPTIONS",
      requestedMethod: "POST",
      status: 204,
    });
    for (const name of ["authorization", "content-type", "x-stainless-lang"]) {
      assert(requestedHeaders.includes(name), requestedHeaders.join());
    }
    assertEquals(preflights.length, 1);
  });

  await page.goto(`${pages.origin}/page.html`);
  // From now on the account refuses whatever would have been drawn.
  await post({ prompt: "a fox sandbox:usage-limit" });

  await test.step("sends in the ways that strangers try, as far as the account's limit lets it", async () => {
    const traffic = watchTraffic(context, base);
    const target = { base, image, job, page: pages.origin };
    const outcomes = await callInPage(page, "sendInEveryWay", target);
    const answers = await traffic.settled(Object.keys(outcomes).length);
    const times = (outcome: string) =>
      answers.filter((answer) => answer.endsWith(` ${outcome}`)).length;
    assertEquals([times("429"), times("204")], [8, 1]);
    // Text is not JSON, a redirect loses the origin, and a beacon of JSON wants to bring cookies.
    assertEquals([times("415"), times("403"), times("failed")], [3, 2, 1]);
  });

  await test.step("reads when it may come back", async () => {
    const limited = await post({ prompt: "a fox" });
    assertEquals(limited.status, 429);
    assert(Number(limited.headers["retry-after"]) >= 1);
  });
});

Deno.test("/docs", { ignore }, async (test) => {
  await using server = await startTestService();
  await using tab = await browser.openPage();
  const { page } = tab;
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", ({ message }) => complaints.push(message));
  await page.goto(`${server.url}/docs`);

  await test.step("gives the browser nothing to complain about, its own policy included", async () => {
    assertEquals(await page.title(), "codex-image-server: API");
    // The style has been let in.
    assertEquals(
      await page.evaluate("getComputedStyle(document.body).display"),
      "grid",
    );
    assertEquals(complaints, []);
  });

  for (const width of [360, 700, 1080, 1600]) {
    await test.step(`fits into a window that is ${width} pixels wide`, async () => {
      await page.setViewportSize({ width, height: 800 });
      // A part that is cut off or scrolls by itself counts as one that does not fit.
      const wide = await page.evaluate(
        `Array.from(document.querySelectorAll("body, body *"))
          .filter(({ clientWidth, scrollWidth, tagName }) =>
            scrollWidth > clientWidth && clientWidth > 0 ||
            tagName === "BODY" && scrollWidth > innerWidth)
          .map(({ outerHTML }) => outerHTML.slice(0, 80))`,
      );
      assertEquals(wide, []);
    });
  }

  await test.step("shows what a link names", async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.locator('nav a[href="#MadeImage"]').click();
    await page.waitForURL((url) => url.hash === "#MadeImage");
    const box = await page.locator("#MadeImage h2").boundingBox();
    assertEquals(box !== null && box.y >= 0 && box.y < 200, true);
  });
});

import { assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { canBrowse, useChromium } from "./chromium.ts";

const ignore = !await canBrowse();
const browser = useChromium();

Deno.test(
  "/docs gives the browser nothing to complain about, its own policy included",
  {
    ignore,
  },
  async () => {
    await using visit = await visitDocs();
    const { complaints, page } = visit;
    assertEquals(await page.title(), "codex-image-server: API");
    // The style has been let in.
    assertEquals(
      await page.evaluate("getComputedStyle(document.body).display"),
      "grid",
    );
    assertEquals(complaints, []);
  },
);

for (const width of [360, 700, 1080, 1600]) {
  Deno.test(`/docs fits into a window that is ${width} pixels wide`, {
    ignore,
  }, async () => {
    await using visit = await visitDocs({ width, height: 800 });
    // A part that is cut off or scrolls by itself counts as one that does not fit.
    const wide = await visit.page.evaluate(
      `Array.from(document.querySelectorAll("body, body *"))
        .filter(({ clientWidth, scrollWidth, tagName }) =>
          scrollWidth > clientWidth && clientWidth > 0 ||
          tagName === "BODY" && scrollWidth > innerWidth)
        .map(({ outerHTML }) => outerHTML.slice(0, 80))`,
    );
    assertEquals(wide, []);
  });
}

Deno.test("a link of /docs shows what it names", { ignore }, async () => {
  await using visit = await visitDocs({ width: 1280, height: 800 });
  const { page } = visit;
  await page.locator('nav a[href="#MadeImage"]').click();
  await page.waitForURL((url) => url.hash === "#MadeImage");
  const box = await page.locator("#MadeImage h2").boundingBox();
  assertEquals(box !== null && box.y >= 0 && box.y < 200, true);
});

/** Opens the page of the API, and collects what the browser says about it. */
async function visitDocs(viewport = { width: 1280, height: 800 }) {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await startTestService());
  const { page } = parts.use(await browser.openPage());
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", ({ message }) => complaints.push(message));
  await page.setViewportSize(viewport);
  await page.goto(`${server.url}/docs`);
  const all = parts.move();
  return { complaints, page, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

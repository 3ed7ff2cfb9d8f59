import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { Page, Request } from "playwright-core";
import { canBrowse, useChromium } from "../browser/chromium.ts";
import { openPlace } from "../support/place.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { fillLibrary, idOf } from "./many_pictures.ts";
import { visitStudio } from "./visit.ts";

const AXE = fromFileUrl(import.meta.resolve("axe-core"));
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const MANY = 1_000;
/** Whether all pictures that are in the window, of which there are some, are there. */
const allAreLoaded = `(() => {
  const shown = [...document.querySelectorAll(".box")].filter((box) => {
    const { bottom, top } = box.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  return shown.length > 0 && shown.every((box) => box.querySelector("img").naturalWidth > 0);
})()`;

const ignore = !await canBrowse();
const browser = useChromium();

Deno.test("a page of many states", { ignore }, async (test) => {
  await using server = await startTestService({
    SANDBOX: "1",
    STORE_PROMPTS: "1",
  });
  await using studio = await visitStudio(browser, { url: server.url });
  const { page } = studio;
  const boxes = page.locator(".box");

  await test.step("breaks no rule of WCAG 2.2 AA and fits into every window, in light and dark", async () => {
    await page.locator(".empty").waitFor();
    await check(page, "empty");
    await studio.generate("a wren sandbox:refuse@2", 2);
    await studio.untilSlots("saved");
    await studio.untilSlots("failed");
    await page.getByText("Try failures").click();
    for (const text of ["More", "As code"]) {
      await page.locator("summary", { hasText: text }).last().click();
    }
    await check(page, "create");
    await page.getByRole("link", { name: "Library" }).click();
    await boxes.first().hover();
    await page.locator(".select input").first().check();
    await check(page, "library");
    await page.locator(".cell").first().click();
    await page.locator(".facts").waitFor();
    await check(page, "look");
    await page.keyboard.press("Escape");
  });

  await test.step("finds, selects, deletes, gives back, and fills the form with what was asked", async () => {
    const exact = {
      output_size: "1000x700",
      output_format: "webp",
      output_compression: 70,
    };
    for (
      const what of [{ prompt: "a heron" }, { prompt: "an owl", ...exact }]
    ) {
      await (await server.generate({ ...what, count: 2 })).body?.cancel();
    }
    await page.getByRole("link", { name: "Create" }).click();
    await page.getByRole("link", { name: "Library" }).click();
    await boxes.nth(4).waitFor();
    assertEquals(await page.locator(".group").count(), 3);
    await page.locator(".cell").first().focus();
    await page.keyboard.press("/");
    await page.keyboard.type("heron");
    await boxes.nth(2).waitFor({ state: "detached" });
    await page.locator(".select input").first().check();
    await page.locator(".selection").getByText("Delete").click();
    await boxes.nth(1).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await boxes.nth(1).waitFor();
    await page.locator(".cell").first().focus();
    await page.keyboard.press("Delete");
    await page.reload();
    await page.fill("#search", "");
    await boxes.nth(4).waitFor({ state: "detached" });
    const { data } = await (await fetch(`${server.url}/v1/images`)).json();
    assertEquals(data.length, 4);
    await page.locator(`[data-picture="${data[0].id}"]`).focus();
    await page.keyboard.press("r");
    await page.locator("#prompt:focus").waitFor();
    await page.locator("summary", { hasText: "More" }).click();
    const labels = ["Prompt", "Width", "Height", "Format", "Compression: 70"];
    const values = await Promise.all(
      labels.map((label) =>
        page.getByLabel(label, { exact: true }).inputValue()
      ),
    );
    assertEquals(values, ["an owl", "1000", "700", "webp", "70"]);
    const rule = page.locator("#size-rule");
    for (
      const [width, words] of [
        ["", "Both edges need a number"],
        ["63", "63 is under 64"],
        ["8193", "8193 is over 8192"],
      ]
    ) {
      await page.getByLabel("Width", { exact: true }).fill(width);
      await rule.getByText(words).waitFor();
    }
    await page.getByLabel("Width", { exact: true }).fill("8000");
    await page.getByLabel("Height", { exact: true }).fill("8000");
    await rule.getByText("More than 33,177,600 pixels").waitFor();
  });

  await test.step("keeps the library while the server is away, and finds then what was searched for", async () => {
    await page.getByRole("link", { name: "Library" }).click();
    await boxes.nth(3).waitFor();
    await page.context().setOffline(true);
    await page.fill("#search", "owl");
    await page.locator(".search").getByText("The server does not answer")
      .waitFor();
    assertEquals(await boxes.count(), 4);
    await page.context().setOffline(false);
    await boxes.nth(2).waitFor({ state: "detached" });
    await page.fill("#search", "yesterday");
    await page.getByText("Nothing found").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await boxes.nth(3).waitFor();
  });
});

Deno.test("a page that needs a key asks for it, and then shows pictures", {
  ignore,
}, async () => {
  await using server = await startTestService({
    SANDBOX: "1",
    API_KEY: "wren-key",
  });
  await using studio = await visitStudio(browser, { url: server.url });
  const { page } = studio;
  const field = page.getByLabel("Key", { exact: true });
  await field.fill("another");
  await page.keyboard.press("Enter");
  await page.getByText("The server does not take this key").waitFor();
  await field.fill("wren-key");
  await page.keyboard.press("Enter");
  // Until then what is typed is for the dialog.
  await page.locator("#prompt:focus").waitFor();
  await studio.generate("a wren");
  await studio.untilSlots("saved");
  const source = await studio.run.locator("img[src]").getAttribute("src");
  assert(source?.startsWith("blob:"));
  assertEquals(await page.context().cookies(), []);
});

Deno.test(
  "a page of a server without a login says what to type",
  { ignore },
  async () => {
    await using place = await openPlace();
    await Deno.remove(join(place.authHome, "auth.json"));
    await using server = await startTestService({}, place);
    await using studio = await visitStudio(browser, { url: server.url });
    await studio.page.getByText("codex login", { exact: true }).waitFor();
  },
);

Deno.test(
  "a page says how much of the plan is used, and when there is more of it",
  {
    ignore,
  },
  async () => {
    await using server = await startTestService();
    const { primary, secondary } = server.place.sandbox.usage;
    primary.usedPercent = 100;
    secondary.usedPercent = 92;
    await using studio = await visitStudio(browser, { url: server.url });
    const { page } = studio;
    await page.getByText(
      /^The usage limit is reached. New pictures fail until .*\d:\d\d/,
    )
      .waitFor();
    await page.locator(".usage").getByText("92 %").click();
    await page.getByText(/^Week: 92 % used, anew from .*\d:\d\d/).waitFor();
  },
);

Deno.test("a library of 1,000 pictures", { ignore }, async (test) => {
  await using place = await openPlace();
  await fillLibrary(place.outputDir, MANY);
  await using server = await startTestService({ SANDBOX: "1" }, place);
  await using studio = await visitStudio(browser, {
    url: server.url,
    view: "library",
  });
  const { page } = studio;

  await test.step("scrolls to its end with few elements", async () => {
    await page.locator(".box").first().waitFor();
    const most: number = await page.evaluate(`(async () => {
    let most = 0;
    const end = performance.now() + 40_000;
    while (performance.now() < end && !document.querySelector(".search .hint").textContent.startsWith("1000 pictures")) {
      scrollTo(0, document.documentElement.scrollHeight);
      await new Promise((resolve) => setTimeout(resolve, 20));
      most = Math.max(most, document.querySelectorAll(".box").length);
    }
    scrollTo(0, document.documentElement.scrollHeight);
    return most;
  })()`);
    assert(most > 10 && most < 150, `${most} elements`);
    await page.locator(`[data-picture="${idOf(MANY - 1)}"]`).waitFor();
  });

  await test.step("loads no pictures that fly past, but those that pass slowly, and what is in the window when it rests", async () => {
    const pending = new Set<Request>();
    let asked = 0;
    let most = 0;
    page.on("request", (request) => {
      if (!request.url().endsWith("variant=thumbnail")) return;
      pending.add(request);
      asked++;
      most = Math.max(most, pending.size);
    });
    page.on("requestfinished", (request) => pending.delete(request));
    page.on("requestfailed", (request) => pending.delete(request));
    await untilLoaded(page);
    const before = asked;
    await page.evaluate(`(async () => {
      let step = 800;
      for (let left = 60; left > 0; left--) {
        if (scrollY < 900) step = 800;
        if (scrollY > document.documentElement.scrollHeight - innerHeight - 900) step = -800;
        scrollBy(0, step);
        await new Promise(requestAnimationFrame);
      }
    })()`);
    assert(asked - before < 60, `${asked - before} loaded in flight`);
    pending.clear();
    most = 0;
    await untilLoaded(page);
    assert(most > 0 && most <= 4, `${most} at once`);
    await page.evaluate("scrollTo(0, 2_000)");
    await untilLoaded(page);
    const isShown: boolean = await page.evaluate(`(async () => {
      for (let i = 0; i < 600; i++) {
        scrollBy(0, 8);
        await new Promise(requestAnimationFrame);
        if (i > 150 && ${allAreLoaded}) return true;
      }
      return false;
    })()`);
    assert(isShown, "Nothing was loaded before the window rested");
    await page.locator(".cell").first().focus();
    await page.keyboard.press("End");
    const last = page.locator(`[data-picture="${idOf(MANY - 1)}"]:focus`);
    await last.waitFor();
    await untilLoaded(page);
    await page.keyboard.press("Home");
    await last.waitFor({ state: "detached" });
    await untilLoaded(page);
  });

  await test.step("shows what a server that was away did not give when it is back", async () => {
    await page.context().setOffline(true);
    await page.evaluate("scrollTo(0, 9_000)");
    await page.getByText("Trying again; the draft is safe").waitFor();
    assertEquals(await page.locator(".gone").count(), 0);
    assertEquals(await page.evaluate(allAreLoaded), false);
    await page.context().setOffline(false);
    await untilLoaded(page);
  });

  await test.step("says which setting lets prompts be searched", async () => {
    await page.fill("#search", "wren");
    await page.getByText("CODEX_IMAGE_SERVER_STORE_PROMPTS=1").waitFor();
  });
});

Deno.test(
  "a run that waits for the usage limit says so, and goes on when it is told to",
  { ignore },
  async () => {
    await using server = await startTestService({
      SANDBOX: "1",
      PAUSE_ON_USAGE_LIMIT: "1",
      MAX_WORKERS: "1",
    });
    await using studio = await visitStudio(browser, { url: server.url });
    const { page } = studio;
    await studio.generate("a wren sandbox:usage-limit@1", 2);
    await studio.run.getByText("Waits for the usage limit until").first()
      .waitFor();
    await page.getByText("The usage limit is reached.").first().waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await studio.untilSlots("saved");
  },
);

/** Waits for all pictures in the window; a function that waits in the page would break its policy. */
async function untilLoaded(page: Page): Promise<void> {
  await until(() => page.evaluate<boolean>(allAreLoaded));
}

/** Looks with axe, at the colours of the dark too, and for what is wider than the window. */
async function check(page: Page, what: string): Promise<void> {
  await page.evaluate(await Deno.readTextFile(AXE));
  assertEquals(await findBroken(page, TAGS), [], what);
  await page.emulateMedia({ colorScheme: "dark" });
  assertEquals(await findBroken(page, ["color-contrast"]), [], `${what}, dark`);
  await page.emulateMedia({ colorScheme: "light" });
  for (const width of [320, 360, 768, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    // The library is laid out anew in the frame after.
    await page.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
    );
    const wide = await page.evaluate(
      `[...document.querySelectorAll("dialog[open], dialog[open] *, header *, main *")]
      .filter((element) => element.checkVisibility() && !element.closest(".stage, .unseen, pre") &&
        element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .map(({ outerHTML }) => outerHTML.slice(0, 100))`,
    );
    assertEquals(wide, [], `${what}, ${width} pixels`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Names what is broken of some rules, or of all with some tags. */
async function findBroken(
  page: Page,
  runOnly: readonly string[],
): Promise<string[]> {
  return await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(runOnly)} })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 160) + failureSummary)))`,
  );
}

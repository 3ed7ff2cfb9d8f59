/**
 * Measures the page in Chromium: `deno task bench-page`.
 *
 * How long until it can be used, what it loads, how a library of 5,000 pictures scrolls, and how fast typed letters are
 * seen while four pictures come. The sandbox draws; the machine should have nothing else to do.
 */
import { delay } from "@std/async/delay";
import { type Browser, chromium, type Page } from "playwright-core";
import { findChromium } from "../test/browser/chromium.ts";
import { fillLibrary } from "../test/studio/many_pictures.ts";
import { openPlace } from "../test/support/place.ts";
import { startTestService } from "../test/support/service.ts";

const LOADS = 20;
const PICTURES = 5_000;
/** How far the library is scrolled in each frame, in pixels. */
const STEP = 800;
const LETTER_MS = 60;
const DRAWN_MS = 120_000;
const LOOK_MS = 100;

/** Notes when the button of the form was painted, in milliseconds from the start of the navigation. */
const NOTE_READY = `(() => {
  const look = () => {
    if (document.querySelector("button.primary") === null) return requestAnimationFrame(look);
    // Told after the frame in which it is painted.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => globalThis.readyAt = performance.now();
      port2.postMessage(0);
    });
  };
  requestAnimationFrame(look);
})()`;

const SCROLL = `(async () => {
  const gaps = [];
  const frame = () => new Promise(requestAnimationFrame);
  const told = () => document.querySelector(".search .hint").textContent;
  let before = await frame();
  for (const step of [${STEP}, -${STEP}]) {
    for (let still = 0; still < 60 || told().includes("more");) {
      const at = scrollY;
      scrollBy(0, step);
      const now = await frame();
      gaps.push(now - before);
      before = now;
      still = scrollY === at ? still + 1 : 0;
    }
  }
  return { gaps, shown: told() };
})()`;

const WATCH_KEYS = `(() => {
  globalThis.keyMs = [];
  new PerformanceObserver((list) => keyMs.push(
    ...list.getEntries().filter(({ name }) => name === "keydown").map(({ duration }) => duration),
  )).observe({ type: "event", durationThreshold: 16 });
})()`;

/** One line of what was measured. */
interface Row {
  readonly what: string;
  readonly median: number;
  readonly worst: number;
}

/** What scrolling was like: from frame to frame, in milliseconds, and how many pictures were seen. */
interface Scrolled {
  readonly gaps: readonly number[];
  readonly shown: string;
}

/** What Chromium says of one thing that it did. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** How long it took of a processor, in microseconds. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const executablePath = await findChromium();
  if (executablePath === undefined) {
    console.error("Cannot find a Chromium on PATH or by CHROMIUM");
    Deno.exit(1);
  }
  const browser = await chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu"],
  });
  try {
    await using server = await startTestService({ SANDBOX: "1" });
    const rows = [
      ...await measureLoads(browser, server.url),
      ...await measureTyping(browser, server.url),
      ...await measureScrolling(browser),
    ];
    console.table(rows);
    console.log(`load of the machine: ${Deno.loadavg().join(", ")}`);
  } finally {
    await browser.close();
  }
}

async function measureLoads(browser: Browser, url: string): Promise<Row[]> {
  const ready: number[] = [];
  const bytes: number[] = [];
  for (let i = 0; i <= LOADS; i++) {
    await using page = await openPage(browser);
    await page.addInitScript(NOTE_READY);
    await page.goto(url);
    await page.waitForFunction("globalThis.readyAt");
    ready.push(await page.evaluate("readyAt"));
    bytes.push(
      await page.evaluate(
        `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .reduce((sum, { transferSize }) => sum + transferSize, 0)`,
      ),
    );
  }
  // The first page of a browser starts its processes too.
  return [
    row("ready, ms", ready.slice(1)),
    row("loaded at first, bytes", bytes.slice(1)),
  ];
}

async function measureTyping(browser: Browser, url: string): Promise<Row[]> {
  await using page = await openPage(browser);
  await page.goto(url);
  await page.evaluate(WATCH_KEYS);
  await page.fill("#prompt", "a lighthouse sandbox:slow=1500");
  let letters = 0;
  const tasks = await traceTasks(browser, page, async () => {
    await page.getByRole("button", { name: "Generate" }).click();
    await page.focus("#prompt");
    const end = performance.now() + DRAWN_MS;
    while (
      await page.locator(".slot.saved").count() < 4 && performance.now() < end
    ) {
      await page.keyboard.type("abcdefghij", { delay: LETTER_MS });
      letters += 10;
    }
    await page.waitForTimeout(200);
  });
  const slow: number[] = await page.evaluate("keyMs");
  // What is not told took less than 16 ms.
  const all = [...slow, ...Array(Math.max(0, letters - slow.length)).fill(16)];
  return [
    row(`key to paint, ms (${letters} letters)`, all),
    row("task while four pictures come, ms of CPU", tasks),
  ];
}

async function measureScrolling(browser: Browser): Promise<Row[]> {
  await using place = await openPlace();
  await fillLibrary(place.outputDir, PICTURES);
  await using server = await startTestService({ SANDBOX: "1" }, place);
  await untilIndexed(server.url);
  await using page = await openPage(browser);
  await page.goto(`${server.url}/#library`);
  await page.locator(".box").first().waitFor();
  let seen: Scrolled = { gaps: [], shown: "" };
  const tasks = await traceTasks(browser, page, async () => {
    seen = await page.evaluate(SCROLL);
  });
  const { gaps, shown } = seen;
  return [
    row(`frame of the library, ms (${shown}, ${gaps.length} frames)`, gaps),
    row("task of the library, ms of CPU", tasks),
  ];
}

/** Waits for the index, which works on the same processors as the browser. */
async function untilIndexed(url: string): Promise<void> {
  while ((await (await fetch(`${url}/v1/images`)).json()).indexing) {
    await delay(LOOK_MS);
  }
}

/** Tells how much of a processor each task of the page's main thread took, which other programs do not make more. */
async function traceTasks(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, {
    categories: ["toplevel"],
  });
  await work();
  const trace = new TextDecoder().decode(await browser.stopTracing());
  const { traceEvents }: { readonly traceEvents: readonly TraceEvent[] } = JSON
    .parse(trace);
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const main = new Set(
    traceEvents.filter(({ args, name }) =>
      name === "thread_name" && args.name === "CrRendererMain"
    ).map(threadOf),
  );
  return traceEvents.filter((event) =>
    event.name === "ThreadControllerImpl::RunTask" && main.has(threadOf(event))
  ).map(({ tdur = 0 }) => tdur / 1000);
}

async function openPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
  });
  const page = await context.newPage();
  return Object.assign(page, {
    [Symbol.asyncDispose]: () => context.close(),
  });
}

function row(what: string, values: readonly number[]): Row {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    what,
    median: Math.round(sorted[sorted.length >> 1] ?? 0),
    worst: Math.round(sorted.at(-1) ?? 0),
  };
}

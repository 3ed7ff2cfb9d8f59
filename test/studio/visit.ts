import { assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import type { TestBrowser } from "../browser/chromium.ts";
import { until } from "../support/until.ts";

/** How the page is looked at. */
export interface VisitOptions {
  /** The address of the server. */
  readonly url: string;
  /** What stands behind `#`. */
  readonly view?: "create" | "library";
  /** A script that runs before the page, such as one that takes something away from it. */
  readonly before?: string;
}

/** The page in a browser that shares nothing with others. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** The run that was started last. */
  readonly run: Locator;
  /** Opens the page again, of which the browser has forgotten all that it kept. */
  forget(): Promise<void>;
  /** Writes a prompt, chooses how many candidates, generates, and waits until that is seen. */
  generate(prompt: string, count?: number): Promise<void>;
  /** Waits until the slots of the newest run show this. */
  untilSlots(kind: string, count?: number): Promise<void>;
}

/** Opens the page; to dispose of it fails where the browser complained, or anything but the server was asked. */
export async function visitStudio(
  browser: TestBrowser,
  { before, url, view = "create" }: VisitOptions,
): Promise<Visit> {
  const { context, page } = await browser.openPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    // An answer that is an error is one that the page shows.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (!isAnswer) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(url) && !/^(?:blob|data):/.test(address)) {
      complaints.push(`asked ${address}`);
    }
  });
  await page.setViewportSize({ width: 1280, height: 800 });
  // What moves is drawn anew sixty times a second.
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  if (before !== undefined) await page.addInitScript(before);
  const open = async () => {
    await page.goto(`${url}/#${view}`);
    await page.waitForSelector("main");
  };
  await open();
  const run = page.locator(".run").first();
  const newest = () =>
    page.evaluate<unknown>(
      `[document.querySelector(".run")?.dataset.run, document.querySelector(".problem")?.textContent].join()`,
    );
  return {
    page,
    run,
    forget: async () => {
      // Whoever leaves the page keeps the draft, so it is forgotten from somewhere else.
      await page.goto(`${url}/studio/icon.svg`);
      await page.evaluate("localStorage.clear(); sessionStorage.clear();");
      await open();
    },
    generate: async (prompt, count = 1) => {
      await page.fill("#prompt", prompt);
      await page.check(`input[name=count][value="${count}"]`);
      const before = await newest();
      await page.getByRole("button", { name: "Generate" }).click();
      await until(async () => await newest() !== before);
    },
    untilSlots: async (kind, count = 1) => {
      await run.locator(`.slot.${kind}`).nth(count - 1).waitFor();
    },
    [Symbol.asyncDispose]: async () => {
      await context.close();
      assertEquals(complaints, []);
    },
  };
}

/** Drops or pastes files of the page's making onto it. */
export async function handOver(
  page: Page,
  kind: "drop" | "paste",
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  const sent = files.map(({ bytes, name }) => ({
    name,
    base64: bytes.toBase64(),
  }));
  await page.evaluate(`(() => {
    const data = new DataTransfer();
    for (const { base64, name } of ${JSON.stringify(sent)}) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    const event = ${JSON.stringify(kind)} === "drop"
      ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
  })()`);
}

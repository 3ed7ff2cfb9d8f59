import { resolve } from "@std/path";
import { type Browser, chromium } from "playwright-core";
import type { BrowserContext, Page } from "playwright-core";
import { exists } from "../support/exists.ts";

/** A name that the browser takes for this machine, as after DNS rebinding. */
export const REBOUND_HOST = "evil.example";

/** Another name that the browser takes for this machine, as one on a local network. */
export const ALLOWED_HOST = "friend.example";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${REBOUND_HOST} 127.0.0.1, MAP ${ALLOWED_HOST} 127.0.0.1`,
];

/** A browser for the tests of one file. */
export interface TestBrowser {
  /** Opens an empty page that shares nothing with others; to dispose of the context closes it. */
  openPage(): Promise<TestPage>;
}

/** A page, and what ends with it. */
export interface TestPage extends AsyncDisposable {
  readonly context: BrowserContext;
  readonly page: Page;
}

/** Whether this machine has a Chromium; says so where it has none. */
export async function canBrowse(): Promise<boolean> {
  const path = await findChromium();
  if (path === undefined) {
    console.log(
      "Cannot find a Chromium on PATH or by CHROMIUM: the tests that need one are left out",
    );
  }
  return path !== undefined;
}

/** Opens the browser before the first test of a file, and closes it after the last one. */
export function useChromium(): TestBrowser {
  let browser: Browser | undefined;
  Deno.test.beforeAll(async () => {
    const executablePath = await findChromium();
    if (executablePath === undefined) return;
    // Its profile is an empty directory of its own, which goes with it.
    browser = await chromium.launch({ executablePath, args: FLAGS });
  });
  Deno.test.afterAll(async () => await browser?.close());
  return {
    openPage: async () => {
      if (browser === undefined) {
        throw new Error("Cannot open a page: no browser");
      }
      const context = await browser.newContext();
      return {
        context,
        page: await context.newPage(),
        [Symbol.asyncDispose]: () => context.close(),
      };
    },
  };
}

/** Finds a Chromium on PATH, or the one that `CHROMIUM` names. */
export async function findChromium(): Promise<string | undefined> {
  const named = Deno.env.get("CHROMIUM");
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  for (const name of named === undefined ? NAMES : [named]) {
    for (const directory of directories) {
      const path = resolve(directory, name);
      if (await exists(path)) return path;
    }
  }
}

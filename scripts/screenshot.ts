/**
 * Makes the picture of the page in README, from the sandbox: `deno task screenshot [FILE]`.
 *
 * It needs a Chromium on PATH or by CHROMIUM.
 */
import { chromium } from "playwright-core";
import sharp from "sharp";
import { findChromium } from "../test/browser/chromium.ts";
import { startTestService } from "../test/support/service.ts";

const USUAL = "docs/studio.webp";
const SIZE = { width: 1280, height: 800 };
/** How long four pictures may take, in milliseconds. */
const DRAWN_MS = 120_000;

const path = Deno.args[0] ?? USUAL;
const executablePath = await findChromium();
if (executablePath === undefined) {
  console.error("Cannot find a Chromium on PATH or by CHROMIUM");
  Deno.exit(1);
}
await using server = await startTestService({ SANDBOX: "1" });
const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox"],
});
try {
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(server.url);
  await page.fill("#prompt", "A lighthouse on a rocky coast at dusk");
  await page.check('input[value="16:9"]');
  await page.getByRole("button", { name: "Generate" }).click();
  await page.locator(".slot.saved").nth(3).waitFor({ timeout: DRAWN_MS });
  await page.evaluate(
    "Promise.all(Array.from(document.images, (image) => image.decode()))",
  );
  await sharp(await page.screenshot()).webp({ quality: 80 }).toFile(path);
} finally {
  await browser.close();
}
const { size } = await Deno.stat(path);
console.log(`${path}: ${Math.round(size / 1000)} kB`);

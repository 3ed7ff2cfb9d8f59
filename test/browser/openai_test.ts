import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { canBrowse, useChromium } from "./chromium.ts";
import { callInPage } from "./page_call.ts";
import { startPageServer } from "./page_server.ts";
import { watchPreflights } from "./preflights.ts";

const ignore = !await canBrowse();
const browser = useChromium();

Deno.test("openai 7 in a page generates a picture that the page shows", {
  ignore,
}, async () => {
  await using visit = await visitWithClient();
  const { base, page } = visit;
  assertEquals(await callInPage(page, "generatePicture", base), "1024x1024");
});

Deno.test("openai 7 in a page edits a file", { ignore }, async () => {
  await using visit = await visitWithClient();
  const { base, page, server } = visit;
  assertEquals(await callInPage(page, "editPicture", base), "1536x1024");
  const { record } = server.place.sandbox;
  assertEquals(record.to("/v1/images/edits")[0].references?.length, 1);
});

Deno.test("openai 7 in a page streams pictures that the page shows", {
  ignore,
}, async () => {
  await using visit = await visitWithClient();
  const { base, page } = visit;
  const completed = "image_generation.completed 1536x1024";
  assertEquals(
    await callInPage(page, "streamPictures", base),
    [completed, completed],
  );
});

Deno.test("openai 7 in a page reads what is wrong and where", {
  ignore,
}, async () => {
  await using visit = await visitWithClient();
  const { base, page, server } = visit;
  const error = await callInPage(page, "generateWrongly", base);
  assert(error.isBadRequest);
  assertEquals([error.code, error.param], ["invalid_size", "size"]);
  assertStringIncludes(error.message, '"1024x1024"');
  // The client reads this from a header.
  assert(error.requestID);
  assertEquals(server.logLines("codex.exec.start"), []);
});

Deno.test(
  "openai 7 in a page is let through by the preflight that the browser sends",
  {
    ignore,
  },
  async () => {
    await using visit = await visitWithClient();
    const { base, page } = visit;
    const preflights = await watchPreflights(page);
    const error = await callInPage(page, "generateWrongly", base);
    // The server itself has answered.
    assertEquals(error.code, "invalid_size");
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
  },
);

/** Opens a page with the client, whose origin the server lets in. */
async function visitWithClient() {
  await using parts = new AsyncDisposableStack();
  const pages = parts.use(startPageServer());
  const server = parts.use(
    await startTestService({ ALLOWED_ORIGINS: pages.origin }),
  );
  const { page } = parts.use(await browser.openPage());
  await page.goto(`${pages.origin}/openai.html`);
  const all = parts.move();
  return {
    base: server.url,
    page,
    server,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

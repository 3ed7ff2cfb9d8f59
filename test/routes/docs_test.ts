import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openApiDocument } from "../../src/api/openapi.ts";
import { ROUTES } from "../../src/routes/index.ts";
import { startTestService } from "../support/service.ts";

Deno.test("the API is described", async (test) => {
  await using server = await startTestService();

  await test.step("/openapi.json is the document", async () => {
    const response = await fetch(`${server.url}/openapi.json`);
    assertEquals(response.headers.get("content-type"), "application/json");
    const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES)));
    assertEquals(await response.json(), document);
  });

  const page = await fetch(`${server.url}/docs`);
  const text = await page.text();

  await test.step("/docs shows every operation and every schema", () => {
    const { components, paths } = openApiDocument(ROUTES);
    for (const [path, methods] of Object.entries(paths)) {
      assertStringIncludes(text, ` ${path}</h2>`);
      assert(Object.keys(methods).length > 0);
    }
    for (const name of Object.keys(components.schemas)) {
      assertStringIncludes(text, `<section id="${name}">`);
    }
  });

  await test.step("/docs links to nothing that is not there", () => {
    const ids = new Set(
      [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id),
    );
    const targets = [...text.matchAll(/ href="([^"]+)"/g)].map(([, to]) => to);
    for (const target of targets) {
      assert(
        target === "/openapi.json" || ids.has(target.replace("#", "")),
        target,
      );
    }
  });

  await test.step("/docs loads nothing, and may run nothing", async () => {
    const policy = page.headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'");
    assertEquals(
      /<script|<link|<img|src=|url\(|@import|https?:/.exec(text),
      null,
    );
    const style = /<style>([^]*?)<\/style>/.exec(text)?.[1];
    const bytes = new TextEncoder().encode(style);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assertStringIncludes(policy, `style-src 'sha256-${digest.toBase64()}'`);
  });
});

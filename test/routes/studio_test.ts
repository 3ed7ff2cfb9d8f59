import { assert, assertEquals, assertMatch } from "@std/assert";
import { STUDIO_ROUTES } from "../../src/routes/studio.ts";
import { joinModules, stripTypes } from "../../src/routes/studio_script.ts";
import { startTestService } from "../support/service.ts";

const MOST_BYTES = 60_000;

Deno.test("stripTypes() leaves code alone", () => {
  const source = [
    "/** A note.",
    " * More. */",
    "export const a: number = 1; // kept",
    "type B = string;",
    "export const c = `/** kept */`;",
  ].join("\n");
  assertEquals(stripTypes(source).split("\n"), [
    "export const a         = 1; // kept",
    "export const c = `/** kept */`;",
  ]);
});

Deno.test("joinModules() runs each module once, after those that it imports", async () => {
  const scripts = joinModules({
    "./main.ts": `import { b as c, type D } from "./b.ts";
import * as a from "./a.ts";
export const later: () => Promise<D> = () => import("./later.ts");
export const found = [c(), a.ran];`,
    "./b.ts": `import { ran } from "./a.ts";
import type { D } from "./later.ts";
export type E = D;
export function b() {
  return ran.push("b");
}`,
    "./a.ts": `export const ran: string[] = ["a"];`,
    "./later.ts": `import { ran } from "./a.ts";
export type D = { seen: number };
export const seen = ran.length;`,
  }, { libraries: {}, folder: "./parts/" });
  assertEquals(Object.keys(scripts), ["./main.ts", "./later.ts"]);
  await load(scripts["./main.ts"]);
  assertEquals(modules()["./main.ts"].found, [2, ["a", "b"]]);
  assertMatch(
    `${modules()["./main.ts"].later}`,
    /import\("\.\/parts\/later\.ts"\)/,
  );
  assertEquals((await load(scripts["./later.ts"])).seen, 2);
});

Deno.test("joinModules() puts minified libraries before the modules that import them", async () => {
  const scripts = joinModules({
    "./main.ts": `import { one as first, two } from "some/other";
export const found = [first, two()];`,
  }, {
    folder: "./",
    libraries: {
      "some": `const t=1;export{t as one,t as more};//# sourceMappingURL=a.map`,
      "some/other":
        `import{one as t}from"some";function two(){return t+1}export{one}from"some";export{two};`,
    },
  });
  const script = scripts["./main.ts"];
  assert(!script.includes("sourceMappingURL"));
  await load(script);
  assertEquals(modules()["./main.ts"].found, [1, 2]);
});

Deno.test("GET / and all that it names are served without a key, small, and under a strict policy", async () => {
  await using server = await startTestService({ API_KEY: "wren-key" });
  const page = await fetch(`${server.url}/`);
  const html = await page.text();
  const policy = page.headers.get("content-security-policy") ?? "";
  assertMatch(
    policy,
    /^default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'sha256-[^']+'; /,
  );
  assert(!policy.includes("unsafe"));
  assertMatch(html, /<noscript>[^]+needs JavaScript[^]+curl[^]+<\/noscript>/);
  const named = (pattern: RegExp) =>
    Array.from(html.matchAll(pattern), ([, path]) => path);
  const first = ["", ...named(/(?:href|src)="(studio\/[^"]+)"/g)];
  const later = named(/\bimport\("\.\/(studio\/[^"]+)"\)/g);
  assertEquals([first.length, new Set(later).size], [2, 4]);
  let bytes = 0;
  for (const path of new Set([...first, ...later])) {
    const file = await fetch(`${server.url}/${path}`);
    assertEquals(file.status, 200, path);
    if (first.includes(path)) {
      bytes += Number(file.headers.get("content-length"));
    }
    const text = await file.text();
    // Types that were left would be an error of syntax in the browser only.
    assert(!/^(?:interface|import type|export type) /m.test(text), path);
    assert(!text.includes("sourceMappingURL"), path);
    const etag = file.headers.get("etag") ?? "";
    const again = await fetch(`${server.url}/${path}`, {
      headers: { "if-none-match": etag },
    });
    assertEquals(again.status, 304, path);
    await again.body?.cancel();
  }
  assert(bytes > 30_000 && bytes < MOST_BYTES, `${bytes} bytes`);
  const none = await fetch(`${server.url}/studio/none.ts`);
  assertEquals(none.status, 401);
  await none.body?.cancel();
  assert(STUDIO_ROUTES.every(({ open }) => open));
});

async function load(script: string) {
  return await import(`data:text/javascript,${encodeURIComponent(script)}`);
}

function modules() {
  return Reflect.get(globalThis, "modules");
}

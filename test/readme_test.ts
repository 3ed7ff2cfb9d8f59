import { assert, assertEquals } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import { DOCUMENTS, fillTables, TABLES, tablesOf } from "../scripts/docs.ts";
import { SETTING_NAMES } from "../src/config.ts";

const readme = await Deno.readTextFile(
  new URL("../README.md", import.meta.url),
);

Deno.test("README names every setting", () => {
  const missing = SETTING_NAMES.filter((name) =>
    !readme.includes(`\`${name}\``)
  );
  assertEquals(missing, []);
});

Deno.test("README speaks of no task that is not there", () => {
  const named = [...readme.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z-]+)/g)]
    .map(([, name]) => name)
    .filter((name) => name !== "lists");
  assert(named.length > 5);
  assertEquals(named.filter((name) => !(name in manifest.tasks)), []);
});

Deno.test("README, Dockerfile and this run have one version of Deno", async () => {
  const dockerfile = await Deno.readTextFile(
    new URL("../Dockerfile", import.meta.url),
  );
  const versions = [
    ...readme.matchAll(/\bdeno@([\d.]+)/g),
    ...dockerfile.matchAll(/DENO_VERSION=([\d.]+)/g),
  ].map(([, version]) => version);
  assertEquals(new Set(versions), new Set([Deno.version.deno]));
});

Deno.test("README and deno.json have one version of Codex", () => {
  const named = [...readme.matchAll(/@openai\/codex@([\d.]+)/g)].map(([, v]) =>
    v
  );
  assertEquals(
    new Set(named),
    new Set([manifest.imports["@openai/codex"].split("@").at(-1)]),
  );
});

Deno.test("README names every error code", async () => {
  const source = await Deno.readTextFile(
    new URL("../src/errors.ts", import.meta.url),
  );
  const codes = [...source.matchAll(/^ {2}\| "([a-z_]+)"/gm)]
    .map(([, code]) => code)
    // There is a word for all of these.
    .filter((code) => !code.startsWith("invalid_"));
  assert(codes.length > 20);
  assertEquals(codes.filter((code) => !readme.includes(`\`${code}\``)), []);
});

Deno.test("the documents have the tables that `deno task docs` writes", async () => {
  const found: string[] = [];
  for (const path of DOCUMENTS) {
    const text = await Deno.readTextFile(path);
    assertEquals(unpad(text), unpad(fillTables(text)), path);
    found.push(...tablesOf(text));
  }
  assertEquals(found.sort(), Object.keys(TABLES).sort());
});

/** Undoes what the formatter does to columns. */
function unpad(document: string): string {
  return document.replaceAll(/ +\|/g, " |").replaceAll(/-{3,}/g, "---");
}

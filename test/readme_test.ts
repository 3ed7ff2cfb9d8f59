import { assert, assertEquals } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import { DOCUMENTS, fillTables, TABLES, tablesOf } from "../scripts/docs.ts";

const readme = await read("README.md");
const docs = (await Promise.all(
  ["agents", "api", "clients", "docker", "errors", "settings"]
    .map((page) => read(`docs/${page}.md`)),
)).join("\n") + await read("CONTRIBUTING.md") +
  await read("skills/codex-image-server/SKILL.md");

Deno.test("README and the docs speak of no task that is not there", () => {
  const named = [
    ...(readme + docs).matchAll(/\bdeno(?:@[\d.]+)? task ([a-z-]+)/g),
  ]
    .map(([, name]) => name)
    .filter((name) => name !== "lists");
  assert(named.length > 5);
  assertEquals(named.filter((name) => !(name in manifest.tasks)), []);
});

Deno.test("README, Dockerfile and this run have one version of Deno", async () => {
  const dockerfile = await read("Dockerfile");
  const versions = [
    ...(readme + docs).matchAll(/\bdeno@([\d.]+)/g),
    ...dockerfile.matchAll(/DENO_VERSION=([\d.]+)/g),
  ].map(([, version]) => version);
  assertEquals(new Set(versions), new Set([Deno.version.deno]));
});

Deno.test("deno.json alone pins the version of Codex", async () => {
  const texts = [readme, docs, await read("Dockerfile")];
  assertEquals(texts.join().match(/@openai\/codex@[\d.]+/g), null);
  assert(/@\d+\.\d+\.\d+$/.test(manifest.imports["@openai/codex"]));
});

Deno.test("the docs name every error code", async () => {
  const source = await read("src/errors.ts");
  const codes = [...source.matchAll(/^ {2}\| "([a-z_]+)"/gm)]
    .map(([, code]) => code)
    // There is a word for all of these.
    .filter((code) => !code.startsWith("invalid_"));
  assert(codes.length > 20);
  assertEquals(codes.filter((code) => !docs.includes(`\`${code}\``)), []);
});

Deno.test("README and the docs link to nothing that is not there", async () => {
  const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];
  for await (
    const { name } of Deno.readDir(new URL("../docs", import.meta.url))
  ) {
    if (name.endsWith(".md")) pages.push(`docs/${name}`);
  }
  const missing: string[] = [];
  for (const page of pages) {
    const text = await read(page);
    for (const [, link] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const target = new URL(link, new URL(`../${page}`, import.meta.url));
      await Deno.stat(target).catch(() => missing.push(`${page}: ${link}`));
    }
  }
  assertEquals(missing, []);
});

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(`../${path}`, import.meta.url));
}

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

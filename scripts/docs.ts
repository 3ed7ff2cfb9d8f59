import { fromFileUrl, join } from "@std/path";
import type { FieldTable } from "../src/api/field.ts";
import { FIELDS } from "../src/api/fields.ts";
import { type Setting, SETTINGS } from "../src/settings.ts";
import { FIELDS as OPENAI_FIELDS } from "../src/openai/fields.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const MARKED = /(<!-- ([a-z-]+) -->)[^]*?(<!-- \/\2 -->)/g;

/** The tables that documents have between marks of their names, such as `<!-- openai-fields -->`. */
export const TABLES: Readonly<Record<string, () => string>> = {
  "generate-fields": () =>
    table(
      ["field", "meaning"],
      jsonFields(FIELDS).map(([name, { words }]) => [
        `\`${name}\``,
        words,
      ]),
    ),
  "openai-fields": () =>
    table(
      ["field", "treatment", "particulars"],
      Object.entries(OPENAI_FIELDS).map(([name, { treatment, words }]) => [
        `\`${name}\``,
        treatment,
        words,
      ]),
    ),
  "settings": () =>
    table(
      ["name", "default", "meaning"],
      Object.values<Setting>(SETTINGS).map((setting) => [
        `\`${setting.name}\``,
        setting.otherwise ??
          (setting.default ? `\`${setting.default}\`` : "none"),
        setting.words,
      ]),
    ),
};

/** The documents that have such tables. */
export const DOCUMENTS: readonly string[] = ["api", "clients", "settings"]
  .map((page) => join(ROOT, "docs", `${page}.md`));

/** Names the tables that a document has. */
export function tablesOf(document: string): string[] {
  return [...document.matchAll(MARKED)].map(([, , name]) => name);
}

/** Writes the tables of a document anew; how wide their columns are is for the formatter. */
export function fillTables(document: string): string {
  return document.replaceAll(
    MARKED,
    (_, start, name, end) => `${start}\n\n${TABLES[name]()}\n\n${end}`,
  );
}

function jsonFields(fields: FieldTable) {
  return Object.entries(fields).filter(([, { schema }]) =>
    schema !== undefined
  );
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

if (import.meta.main) {
  for (const path of DOCUMENTS) {
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, fillTables(text));
  }
}

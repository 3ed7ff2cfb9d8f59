import { assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../src/api/validation_error.ts";
import { type FieldName, FIELDS } from "../../src/openai/fields.ts";
import {
  EDITS_FORM,
  editsSchema,
  parseEdits,
} from "../../src/openai/request.ts";

const README = new URL("../../docs/clients.md", import.meta.url);
const IMAGE = { image_url: "data:image/png;base64,AAAA" };

/** A good value of every field of the JSON body. */
const GOOD: Readonly<Record<Exclude<FieldName, "image">, unknown>> = {
  prompt: "p",
  model: "gpt-image-2",
  n: 1,
  size: "1024x1024",
  quality: "low",
  background: "opaque",
  output_format: "jpeg",
  output_compression: 80,
  response_format: "url",
  stream: true,
  images: [IMAGE],
  mask: IMAGE,
  partial_images: 1,
  moderation: "low",
  style: "vivid",
  user: "u",
  safety_identifier: "s",
  input_fidelity: "high",
};
const NEEDED = {
  prompt: GOOD.prompt,
  images: GOOD.images,
  output_format: GOOD.output_format,
};

Deno.test("FIELDS are the fields of the JSON body and the one more of the form", () => {
  const names = [...Object.keys(editsSchema.shape), "image"].sort();
  assertEquals(Object.keys(FIELDS).sort(), names);
});

Deno.test("FIELDS that hold files are files of the form", () => {
  const files = Object.keys(FIELDS).filter((name) => EDITS_FORM.isFile(name));
  assertEquals(files, ["image", "mask"]);
});

for (const [name, { treatment }] of Object.entries(FIELDS)) {
  if (name === "image") continue;
  Deno.test(`the field ${name} is ${treatment}, as the table says`, () => {
    const body = { ...NEEDED, [name]: GOOD[name as keyof typeof GOOD] };
    if (treatment === "refused") {
      const error = assertThrows(() => parseEdits(body), ValidationError);
      assertEquals(error.param, name);
    } else {
      const ignored = treatment === "ignored" ? [name] : [];
      assertEquals(parseEdits(body).ignored, ignored);
    }
  });
}

Deno.test("FIELDS are the table in the docs", async () => {
  const readme = await Deno.readTextFile(README);
  const [, table] =
    /<!-- openai-fields -->\n+([^]*?)\n+<!-- \/openai-fields -->/
      .exec(readme) ?? [];
  assertEquals(unpad(table ?? "no table between the marks"), fieldsTable());
});

/** Writes the table in Markdown. */
function fieldsTable(): string {
  const rows = Object.entries(FIELDS).map(([name, { note, treatment }]) =>
    `| \`${name}\` | ${treatment} | ${note} |`
  );
  return ["| field | treatment | particulars |", "| --- | --- | --- |", ...rows]
    .join("\n");
}

/** Undoes what the formatter does to columns. */
function unpad(table: string): string {
  return table.replaceAll(/ +\|/g, " |").replaceAll(/-{3,}/g, "---");
}

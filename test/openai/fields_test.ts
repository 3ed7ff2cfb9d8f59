import { assertEquals } from "@std/assert";
import { Upload } from "../../src/http/upload.ts";
import { type FieldName, FIELDS } from "../../src/openai/fields.ts";
import { parseEdits } from "../../src/openai/request.ts";

const UPLOAD = new Upload({
  path: "/uploads/png",
  bytes: 8,
  sha256: "0".repeat(64),
});
const IMAGE = { image_url: UPLOAD };

/** A good value of every field of the JSON body. */
const GOOD: Readonly<Record<FieldName, unknown>> = {
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
  image: UPLOAD,
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

for (const [name, { treatment }] of Object.entries(FIELDS)) {
  Deno.test(`the field ${name} is ${treatment}, as the table says`, () => {
    const body = { ...NEEDED, [name]: GOOD[name as keyof typeof GOOD] };
    const ignored = treatment === "ignored" ? [name] : [];
    assertEquals(parseEdits(body).ignored, ignored);
  });
}

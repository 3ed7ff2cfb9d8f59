import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ReferenceSource } from "../../src/api/references.ts";
import { ValidationError } from "../../src/api/validation_error.ts";
import { Upload } from "../../src/http/upload.ts";
import { parseEdits, parseGenerations } from "../../src/openai/request.ts";

const IMAGE_URL = new Upload({
  path: "/uploads/png",
  bytes: 8,
  sha256: "0".repeat(64),
});
const EDIT = { prompt: "p", images: [{ image_url: IMAGE_URL }] };

/** Bodies at fault, but for what the own route refuses in the same words: what is added to a good one, the code, the param, and a part of the message. */
const REFUSED: readonly [object, string, string, string][] = [
  [{ n: 5 }, "invalid_count", "n", "1 to 4"],
  [{ size: "512x512" }, "invalid_size", "size", '"1024x1024"'],
  [{ quality: "ultra" }, "invalid_quality", "quality", '"medium"'],
  [{ quality: "高" }, "invalid_quality", "quality", '"medium"'],
  [
    { background: "transparent", output_format: "jpeg" },
    "invalid_output_format",
    "background",
    "transparency",
  ],
  [
    { response_format: "file" },
    "unknown_parameter",
    "response_format",
    '"url"',
  ],
  [{ stream: "yes" }, "unknown_parameter", "stream", "true or false"],
  [{ partial_images: 4 }, "unknown_parameter", "partial_images", "0 to 3"],
  [{ moderation: "none" }, "unknown_parameter", "moderation", '"low"'],
  [{ model: "gpt-4o" }, "unknown_parameter", "model", "makes no images"],
  [{ model: "gpt-image-1", size: "512x512" }, "invalid_size", "size", "16"],
  [{ model: "dall-e-2", size: "500x500" }, "invalid_size", "size", "16"],
  [{ qualty: "low" }, "unknown_parameter", "qualty", '"quality"'],
  [{ count: 2 }, "unknown_parameter", "count", "no such field"],
];

for (const [fields, code, param, words] of REFUSED) {
  const title = JSON.stringify(fields).slice(0, 60);
  Deno.test(`parseGenerations() refuses ${title}`, () => {
    const body = { prompt: "p", ...fields };
    const error = assertThrows(() => parseGenerations(body), ValidationError);
    assertEquals([error.code, error.param], [code, param]);
    assert(error.message.includes(words), error.message);
  });
}

const REFUSED_EDITS: readonly [object, string, string][] = [
  [{ images: undefined }, "images", "1 to 16"],
  [{ images: [] }, "images", "1 to 16"],
  [
    { images: [{ image_url: "https://example.com/a.png" }] },
    "images[0].image_url",
    "never fetches",
  ],
  [{ images: [{ file_id: "file-1" }] }, "images[0].image_url", "missing"],
  [{ mask: { image_url: "mask.png" } }, "mask.image_url", "data URL"],
  [{ images: Array(17).fill(EDIT.images[0]) }, "images", "1 to 16"],
];

for (const [fields, param, words] of REFUSED_EDITS) {
  const title = JSON.stringify(fields).slice(0, 60);
  Deno.test(`parseEdits() refuses ${title}`, () => {
    const body = { ...EDIT, ...fields };
    const error = assertThrows(() => parseEdits(body), ValidationError);
    assertEquals([error.code, error.param], ["invalid_reference", param]);
    assert(error.message.includes(words), error.message);
    assert(!error.message.includes("AAAA"), error.message);
  });
}

Deno.test("parseEdits() refuses a form without an image", () => {
  const uploads = [upload("mask")];
  const error = assertThrows(
    () => parseEdits({ prompt: "p" }, uploads),
    ValidationError,
  );
  assertEquals([error.code, error.param], ["invalid_reference", "image"]);
});

Deno.test("parseGenerations() understands all that a client may say", () => {
  const { ignored, responseFormat, stream, wanted, warnings } =
    parseGenerations({
      prompt: "p",
      model: "dall-e-3",
      n: 3,
      size: "1536x864",
      quality: "hd",
      background: "opaque",
      output_format: "webp",
      output_compression: 80,
      response_format: "url",
      stream: true,
      partial_images: 1,
      moderation: "auto",
      style: "vivid",
      user: "u",
      safety_identifier: "s",
    });
  assertEquals(wanted, {
    prompt: "p",
    count: 3,
    requestedSize: "1536x864",
    size: { width: 1536, height: 864 },
    outputSize: undefined,
    aspect: undefined,
    canvasSize: undefined,
    quality: "high",
    outputFormat: "webp",
    outputCompression: 80,
    background: "opaque",
    fit: "cover",
    references: [],
    hasMask: false,
    embedMetadata: false,
    failFast: false,
  });
  assertEquals([responseFormat, stream], ["url", true]);
  assertEquals(ignored, [
    "model",
    "moderation",
    "partial_images",
    "safety_identifier",
    "style",
    "user",
  ]);
  assertEquals(warnings.length, ignored.length + 1);
  assertEquals(warnings.at(-1), 'Quality "hd" was taken as "high"');
});

Deno.test("parseGenerations() takes null for nothing", () => {
  const nothing = {
    n: null,
    size: null,
    stream: null,
    user: null,
    model: null,
  };
  const read = parseGenerations({ prompt: "p", ...nothing });
  assertEquals(read, parseGenerations({ prompt: "p" }));
  assertEquals(read.ignored, []);
});

Deno.test("parseGenerations() ignores the compression of a PNG", () => {
  const { ignored, wanted } = parseGenerations({
    prompt: "p",
    output_compression: 100,
  });
  assertEquals(ignored, ["output_compression"]);
  assertEquals(wanted.outputCompression, undefined);
});

Deno.test("parseEdits() puts a mask next to the first image", () => {
  const images = [1, 2].map(() => ({ image_url: IMAGE_URL }));
  const mask = { image_url: IMAGE_URL };
  const { wanted, warnings } = parseEdits({ prompt: "p", images, mask });
  assertEquals(wanted.references.map(({ label, param }) => [label, param]), [
    [undefined, "images[0].image_url"],
    ["mask", "mask"],
    [undefined, "images[1].image_url"],
  ]);
  assertEquals(wanted.hasMask, true);
  assert(warnings[0].startsWith("The mask was passed as a reference"));
});

Deno.test("parseEdits() counts no mask among the sixteen images", () => {
  const mask = { image_url: IMAGE_URL };
  const images = Array.from({ length: 16 }, () => mask);
  const { wanted } = parseEdits({ prompt: "p", images, mask });
  assertEquals(wanted.references.length, 17);
  const files = images.map((_, index) => upload(`image[${index}]`));
  const form = parseEdits({ prompt: "p" }, [...files, upload("mask")]);
  assertEquals(form.wanted.references.length, 17);
  const error = assertThrows(
    () => parseEdits({ prompt: "p" }, [...files, upload("image[16]")]),
    ValidationError,
  );
  assertEquals(error.param, "image[16]");
});

Deno.test("parseEdits() takes the files of a form in their order, whatever they are called", () => {
  const uploads = [upload("mask"), upload("image[0]"), upload("image[1]")];
  const { wanted } = parseEdits({ prompt: "p" }, uploads);
  assertEquals(
    wanted.references.map(({ param }) => param),
    ["image[0]", "mask", "image[1]"],
  );
});

function upload(param: string): ReferenceSource {
  return {
    param,
    label: "mask",
    source: undefined,
    path: "/nowhere",
    bytes: 1,
    sha256: "0".repeat(64),
  };
}

for (const model of ["dall-e-2", "dall-e-3", "openai/DALL-E-3"]) {
  Deno.test(`parseGenerations() keeps the contract of ${model}`, () => {
    const { responseFormat, wanted, warnings } = parseGenerations({
      prompt: "p",
      model,
      size: "512x512",
    });
    assertEquals(responseFormat, "url");
    assertEquals(wanted.outputSize, { width: 512, height: 512 });
    assertEquals([wanted.requestedSize, wanted.fit], ["512x512", "cover"]);
    assertEquals(warnings, [
      "The field model has no effect",
      'Size "512x512" was drawn larger and scaled, because the image model does not draw it',
    ]);
    const asked = { prompt: "p", model, response_format: "b64_json" };
    assertEquals(parseGenerations(asked).responseFormat, "b64_json");
  });
}

Deno.test("parseGenerations() answers all other models with bytes", () => {
  for (const model of [undefined, "gpt-image-1", "dall-e-4", "flux"]) {
    const { responseFormat } = parseGenerations({ prompt: "p", model });
    assertEquals(responseFormat, "b64_json");
  }
});

for (const quality of ["hd", "xhigh", "max"]) {
  Deno.test(`parseGenerations() takes quality ${quality} as high`, () => {
    const { wanted, warnings } = parseGenerations({ prompt: "p", quality });
    assertEquals(wanted.quality, "high");
    assertEquals(warnings, [`Quality "${quality}" was taken as "high"`]);
  });
}

Deno.test("parseEdits() takes one picture as image, before those of images", () => {
  const alone = parseEdits({ prompt: "p", image: IMAGE_URL });
  assertEquals(alone.wanted.references.map(({ param }) => param), ["image"]);
  const both = parseEdits({ ...EDIT, image: IMAGE_URL });
  assertEquals(both.wanted.references.map(({ param }) => param), [
    "image",
    "images[0].image_url",
  ]);
});

import { assertEquals, assertThrows } from "@std/assert";
import * as z from "zod";
import {
  type GenerateRequest,
  generateRequestSchema,
  parseGenerateRequest,
} from "../../src/api/generate_request.ts";
import type { UploadedReference } from "../../src/api/references.ts";
import { ValidationError } from "../../src/api/validation_error.ts";
import { Upload } from "../../src/http/upload.ts";

const PNG = new Upload({
  path: "/uploads/png",
  bytes: 8,
  sha256: "0".repeat(64),
});

const DEFAULTS: GenerateRequest = {
  prompt: "an otter",
  count: 1,
  requestedSize: "auto",
  size: "auto",
  outputSize: undefined,
  aspect: undefined,
  canvasSize: undefined,
  quality: "auto",
  outputFormat: "png",
  outputCompression: undefined,
  background: "auto",
  fit: "none",
  references: [],
  hasMask: false,
  embedMetadata: false,
  failFast: false,
};

const ACCEPTED: readonly (readonly [
  Record<string, unknown>,
  Partial<GenerateRequest>,
])[] = [
  [{}, {}],
  [{ count: 4 }, { count: 4 }],
  [{ n: 3 }, { count: 3 }],
  [{ count: 2, n: 2 }, { count: 2 }],
  [{ count: null, n: 2 }, { count: 2 }],
  [{ size: "auto" }, {}],
  [{ size: "1K" }, { requestedSize: "1K", size: "1K", fit: "cover" }],
  [{ size: "4k" }, { requestedSize: "4k", size: "4K", fit: "cover" }],
  [{ size: "1536x864" }, {
    requestedSize: "1536x864",
    size: { width: 1536, height: 864 },
    fit: "cover",
  }],
  [{ aspect: "landscape" }, { aspect: { width: 16, height: 9 } }],
  [{ aspect: "2.35:1" }, { aspect: { width: 2.35, height: 1 } }],
  [{ aspect: "原图比例" }, { aspect: "reference" }],
  [{ aspect: "画布比例", canvas_size: { width: 800, height: 600.5 } }, {
    aspect: "canvas",
    canvasSize: { width: 800, height: 600.5 },
  }],
  [{ quality: "high" }, { quality: "high" }],
  [{ quality: "自动" }, { quality: "auto" }],
  [{ quality: "高" }, { quality: "high" }],
  [{ quality: "中" }, { quality: "medium" }],
  [{ quality: "低" }, { quality: "low" }],
  [{ output_format: "jpg" }, { outputFormat: "jpeg" }],
  [{ output_format: "jpeg", output_compression: 0 }, {
    outputFormat: "jpeg",
    outputCompression: 0,
  }],
  [{ output_format: "webp", output_compression: 100 }, {
    outputFormat: "webp",
    outputCompression: 100,
  }],
  [{ background: "transparent" }, { background: "transparent" }],
  [{ background: "transparent", output_format: "webp" }, {
    background: "transparent",
    outputFormat: "webp",
  }],
  [{ background: "opaque", output_format: "jpeg" }, {
    background: "opaque",
    outputFormat: "jpeg",
  }],
  [{ fit: "contain" }, { fit: "contain" }],
  [{ fit: "none", size: "2K" }, {
    fit: "none",
    requestedSize: "2K",
    size: "2K",
  }],
  [{ references: [{ image: PNG }] }, {
    references: [inline({})],
  }],
  [{
    references: [{
      image: PNG,
      label: "图层 1",
      source: "selection",
      width: 10,
      height: null,
    }],
  }, {
    references: [inline({ label: "图层 1", source: "selection" })],
  }],
  [{ references: [{ image: PNG, label: "😀".repeat(200) }] }, {
    references: [inline({ label: "😀".repeat(200) })],
  }],
  [{ return: "file", model: "gpt-image-2", fail_fast: true }, {
    failFast: true,
  }],
];

/** One bad value for every field, in the order of the contract's table. */
const BAD_FIELDS = [
  ["prompt", "prompt", 5],
  ["count", "count", 5],
  ["n", "n", 5],
  ["size", "size", "x"],
  ["aspect", "aspect", "x"],
  ["canvas_size", "canvas_size", 5],
  ["quality", "quality", "x"],
  ["output_format", "output_format", "x"],
  ["output_compression", "output_compression", -1],
  ["background", "background", "x"],
  ["fit", "fit", "x"],
  ["references", "references[0].image", [{ image: 5 }]],
  ["return", "return", "x"],
  ["model", "model", "x"],
  ["fail_fast", "fail_fast", 5],
  ["unknown", "unknown", 5],
] as const;

for (const [fields, expected] of ACCEPTED) {
  Deno.test(`parseGenerateRequest() takes ${name(fields)}`, () => {
    assertEquals(
      parseGenerateRequest({ prompt: "an otter", ...fields }),
      { ...DEFAULTS, ...expected },
    );
  });
}

Deno.test("parseGenerateRequest() keeps the prompt as it is", () => {
  const prompt = "  一只水獭\n\tan otter 🦦 ";
  assertEquals(parseGenerateRequest({ prompt }).prompt, prompt);
});

Deno.test("parseGenerateRequest() counts a prompt in code points", () => {
  const prompt = "😀".repeat(32_000);
  assertEquals(parseGenerateRequest({ prompt }).prompt, prompt);
});

Deno.test("parseGenerateRequest() takes 16 references", () => {
  const references = Array(16).fill({ image: PNG });
  const request = parseGenerateRequest({ prompt: "an otter", references });
  assertEquals(request.references.length, 16);
});

Deno.test("parseGenerateRequest() puts uploads behind the references of the body", () => {
  const body = { prompt: "an otter", references: [{ image: PNG }] };
  const uploads = [upload(0), upload(1)];
  assertEquals(parseGenerateRequest(body, uploads).references, [
    inline({}),
    ...uploads,
  ]);
});

Deno.test("parseGenerateRequest() counts uploads and references of the body together", () => {
  const references = Array(10).fill({ image: PNG });
  const body = { prompt: "an otter", references };
  const six = Array.from({ length: 6 }, (_, index) => upload(index));
  assertEquals(parseGenerateRequest(body, six).references.length, 16);
  const error = assertThrows(
    () => parseGenerateRequest(body, [...six, upload(6)]),
    ValidationError,
    "Cannot use 17 references: expected at most 16",
  );
  assertEquals([error.code, error.param], [
    "invalid_reference",
    "reference[6]",
  ]);
});

Deno.test("parseGenerateRequest() takes null for every optional field", () => {
  const body = Object.fromEntries(
    Object.keys(generateRequestSchema.shape).map((field) => [field, null]),
  );
  assertEquals(
    parseGenerateRequest({ ...body, prompt: "an otter" }),
    DEFAULTS,
  );
});

Deno.test("parseGenerateRequest() reports the first bad field of the contract's table", () => {
  for (const index of BAD_FIELDS.keys()) {
    const bad = BAD_FIELDS.slice(index);
    const body = Object.fromEntries(
      bad.map(([field, , value]) => [field, value]).reverse(),
    );
    assertEquals(refuse({ prompt: "an otter", ...body }).param, bad[0][1]);
  }
});

Deno.test("parseGenerateRequest() reports a bad field before a bad pair", () => {
  const error = refuse({ prompt: "an otter", count: 1, n: 2, fail_fast: 1 });
  assertEquals(error.param, "fail_fast");
});

Deno.test("generateRequestSchema can be published as JSON Schema", () => {
  const schema = z.toJSONSchema(generateRequestSchema, {
    io: "input",
    unrepresentable: "any",
  });
  assertEquals(schema.required, ["prompt"]);
  assertEquals(schema.additionalProperties, false);
  assertEquals(schema.properties?.fit, {
    anyOf: [
      { type: "string", enum: ["cover", "contain", "none"] },
      { type: "null" },
    ],
  });
});

function inline(
  { label, source }: Partial<UploadedReference>,
): UploadedReference {
  const { path, bytes, sha256 } = PNG;
  return { param: "references[0].image", label, source, path, bytes, sha256 };
}

function upload(index: number): UploadedReference {
  return {
    param: `reference[${index}]`,
    label: `photo ${index}.png`,
    source: undefined,
    path: `/uploads/${index}`,
    bytes: 67,
    sha256: "0".repeat(64),
  };
}

function refuse(body: unknown): ValidationError {
  const error = assertThrows(() => parseGenerateRequest(body), ValidationError);
  return error;
}

function name(fields: Record<string, unknown>): string {
  const json = JSON.stringify(fields);
  return json.length > 80 ? `${json.slice(0, 80).toWellFormed()}…` : json;
}

import { Upload } from "../../src/http/upload.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  describeValue,
  quoteValue,
  ValidationError,
} from "../../src/api/validation_error.ts";
import { parseGenerateRequest } from "../../src/api/generate_request.ts";

const QUOTED: readonly (readonly [unknown, string])[] = [
  ['a"b', '"a\\"b"'],
  ["a\n\u0000b", '"a\\n\\u0000b"'],
  [5, "5"],
  [null, "null"],
  [{ a: [1] }, '{"a":[1]}'],
  ["x".repeat(60), `"${"x".repeat(60)}"`],
  ["x".repeat(61), `"${"x".repeat(60)}…"`],
  [Array(100).fill(1), `[${"1,".repeat(29)}1…`],
];

const DESCRIBED: readonly (readonly [unknown, string])[] = [
  ["secret", "of length 6"],
  ["😀".repeat(32_001), "of length 32,001"],
  ["x".repeat(200_000), "of length 200,000"],
  [["secret", "secret"], "of length 2"],
  [{ secret: "secret" }, "of type object"],
  [5, "5"],
  [null, "null"],
];

for (const [value, text] of QUOTED) {
  Deno.test(`quoteValue() gives ${JSON.stringify(text)}`, () => {
    assertEquals(quoteValue(value), text);
  });
}

for (const [value, text] of DESCRIBED) {
  Deno.test(`describeValue() gives "${text}"`, () => {
    assertEquals(describeValue(value), text);
  });
}

Deno.test("quoteValue() never leaves half a surrogate pair", () => {
  assert(quoteValue([`${"x".repeat(57)}😀x`]).isWellFormed());
});

const PNG = new Upload({
  path: "/uploads/png",
  bytes: 8,
  sha256: "0".repeat(64),
});

/** The fields of a body, the code and the parameter of the error, and its message after "Cannot use ". */
const REFUSED: readonly (readonly [
  Record<string, unknown>,
  string,
  string,
  string,
])[] = [
  ...([undefined, null, "", " \n\t\u3000"].map((prompt) =>
    [
      { prompt },
      "missing_prompt",
      "prompt",
      "prompt: it is missing or blank, expected text of 1 to 32,000 characters",
    ] as const
  )),
  [
    { prompt: 5 },
    "invalid_prompt",
    "prompt",
    "prompt 5: expected text of 1 to 32,000 characters",
  ],
  [
    { prompt: ["secret"] },
    "invalid_prompt",
    "prompt",
    "prompt of length 1: expected text of 1 to 32,000 characters",
  ],
  [
    { prompt: "x".repeat(32_001) },
    "invalid_prompt",
    "prompt",
    "prompt of length 32,001: expected text of 1 to 32,000 characters",
  ],
  [
    { prompt: "😀".repeat(32_001) },
    "invalid_prompt",
    "prompt",
    "prompt of length 32,001: expected text of 1 to 32,000 characters",
  ],
  [
    { prompt: "secret\0" },
    "invalid_prompt",
    "prompt",
    "prompt of length 7: expected no NUL character",
  ],
  [
    { prompt: "secret\ud83d" },
    "invalid_prompt",
    "prompt",
    "prompt of length 7: expected well-formed Unicode, without half a surrogate pair",
  ],
  ...([0, 5, -1, 1.5, "2", true, [1], 1e300].map((count) =>
    [
      { count },
      "invalid_count",
      "count",
      `count ${JSON.stringify(count)}: expected a whole number from 1 to 4`,
    ] as const
  )),
  [
    { n: 10 },
    "invalid_count",
    "n",
    "n 10: expected a whole number from 1 to 4",
  ],
  [
    { count: 2, n: 3 },
    "invalid_count",
    "count",
    "count 2 and n 3: expected one of them, or the same number in both",
  ],
  ...(["", "8K", "AUTO", "1024X1024", "01024x1024", "0x0", "1024x1024 ", 4].map(
    (size) =>
      [
        { size },
        "invalid_size",
        "size",
        `size ${
          JSON.stringify(size)
        }: expected "auto", "1K", "2K", "4K" or WIDTHxHEIGHT such as "1536x864"`,
      ] as const,
  )),
  [
    { size: "1920x1080" },
    "invalid_size",
    "size",
    'size "1920x1080": height 1080 is not a multiple of 16, the nearest legal size is 1920x1088; for exactly these pixels send output_size "1920x1080" instead of size',
  ],
  [
    { size: "512x512" },
    "invalid_size",
    "size",
    'size "512x512": 262144 pixels are fewer than 655360, the nearest legal size is 816x816; for exactly these pixels send output_size "512x512" instead of size',
  ],
  [
    { size: "3840x1264" },
    "invalid_size",
    "size",
    'size "3840x1264": the ratio is over 3:1, the nearest legal size is 3792x1264; for exactly these pixels send output_size "3840x1264" instead of size',
  ],
  [
    { size: "48x10000" },
    "invalid_size",
    "size",
    'size "48x10000": the longest edge 10000 is over 3840, the nearest legal size is 480x1440',
  ],
  [
    { output_size: "63x64" },
    "invalid_size",
    "output_size",
    'output_size "63x64": width 63 is under 64, expected WIDTHxHEIGHT with edges of 64 to 8192 pixels, at most 33,177,600 in all, "canvas" or "reference"',
  ],
  [
    { size: "1024x1024", output_size: "canvas" },
    "invalid_size",
    "output_size",
    'output_size together with size "1024x1024": expected one of them',
  ],
  [
    { output_size: "1920x1080", fit: "none" },
    "invalid_size",
    "fit",
    'fit "none" together with output_size: expected "cover" or "contain"',
  ],
  ...(["banana", "0:1", "", 1.5].map((aspect) =>
    [
      { aspect },
      "invalid_aspect",
      "aspect",
      `aspect ${
        JSON.stringify(aspect)
      }: expected W:H such as "16:9", "landscape", "portrait", "square", "reference" or "canvas"`,
    ] as const
  )),
  [
    { canvas_size: "800x600" },
    "invalid_aspect",
    "canvas_size",
    'canvas_size "800x600": expected an object with width and height',
  ],
  [
    { canvas_size: { width: 800 } },
    "invalid_aspect",
    "canvas_size.height",
    "canvas_size.height: it is missing, expected a number from 1 to 1,000,000",
  ],
  [
    { canvas_size: { width: 0, height: 1 } },
    "invalid_aspect",
    "canvas_size.width",
    "canvas_size.width 0: expected a number from 1 to 1,000,000",
  ],
  [
    { canvas_size: { width: 1, height: 1, hight: 1 } },
    "unknown_parameter",
    "canvas_size.hight",
    '"canvas_size.hight": there is no such field, the nearest is "height"',
  ],
  [
    { quality: "hd" },
    "invalid_quality",
    "quality",
    'quality "hd": expected "auto", "high", "medium", "low", "自动", "高", "中" or "低"',
  ],
  [
    { output_format: "gif" },
    "invalid_output_format",
    "output_format",
    'output_format "gif": expected "png", "jpeg", "webp" or "jpg"',
  ],
  ...([-1, 101, 1.5, "80"].map((output_compression) =>
    [
      { output_compression, output_format: "webp" },
      "invalid_output_format",
      "output_compression",
      `output_compression ${
        JSON.stringify(output_compression)
      }: expected a whole number from 0 to 100`,
    ] as const
  )),
  [
    { output_compression: 80 },
    "invalid_output_format",
    "output_compression",
    'output_compression 80: expected output_format "jpeg" or "webp", and it is "png", which loses nothing',
  ],
  [
    { background: "red" },
    "invalid_output_format",
    "background",
    'background "red": expected "auto", "opaque" or "transparent"',
  ],
  [
    { background: "transparent", output_format: "jpg" },
    "invalid_output_format",
    "background",
    'background "transparent": expected output_format "png" or "webp", and it is "jpeg", which has no transparency',
  ],
  [
    { fit: "fill" },
    "invalid_size",
    "fit",
    'fit "fill": expected "cover", "contain" or "none"',
  ],
  [
    { references: "secret" },
    "invalid_reference",
    "references",
    "references of length 6: expected a list of at most 16 images",
  ],
  [
    { references: Array(17).fill({ image: PNG }) },
    "invalid_reference",
    "references",
    "references of length 17: expected a list of at most 16 images",
  ],
  [
    { references: ["data:image/png;base64,AAAA"] },
    "invalid_reference",
    "references[0]",
    "references[0] of length 26: expected an object with image or id",
  ],
  [
    { references: [{ label: "layer" }] },
    "invalid_reference",
    "references[0].image",
    "references[0].image: it is missing, expected either image, a base64 data URL, or id, that of a stored picture",
  ],
  [
    { references: [{ image: PNG, id: "codex-1" }] },
    "invalid_reference",
    "references[0].id",
    "references[0].id of length 7: expected either image, a base64 data URL, or id, that of a stored picture",
  ],
  [
    { references: [{ id: 7 }] },
    "invalid_reference",
    "references[0].id",
    'references[0].id 7: expected the id of a stored picture such as "codex-…", which GET /v1/images tells',
  ],
  [
    // What a form has for references, of which data URLs in JSON become files before.
    { references: [{ image: "data:image/png;base64,AAAA" }] },
    "invalid_reference",
    "references[0].image",
    "references[0].image of length 26: expected a file in the field reference, for a form holds no data URLs",
  ],
  [
    { references: [{ image: PNG }, { image: "https://example.com/a.png" }] },
    "invalid_reference",
    "references[1].image",
    'references[1].image of length 25: expected a base64 data URL such as "data:image/png;base64,…", the server never fetches URLs',
  ],
  [
    { references: [{ image: "iVBORw0KGgo=" }] },
    "invalid_reference",
    "references[0].image",
    'references[0].image of length 12: expected a base64 data URL such as "data:image/png;base64,…"',
  ],
  [
    { references: [{ image: PNG, label: "x".repeat(201) }] },
    "invalid_reference",
    "references[0].label",
    "references[0].label of length 201: expected text of at most 200 characters",
  ],
  [
    { references: [{ image: PNG, label: "a\0" }] },
    "invalid_reference",
    "references[0].label",
    "references[0].label of length 2: expected no NUL character",
  ],
  [
    { references: [{ image: PNG, source: "x".repeat(1001) }] },
    "invalid_reference",
    "references[0].source",
    "references[0].source of length 1,001: expected text of at most 1000 characters",
  ],
  [
    { references: [{ image: PNG, width: -5 }] },
    "invalid_reference",
    "references[0].width",
    "references[0].width -5: expected a number from 1 to 1,000,000",
  ],
  [
    { references: [{ image: PNG, lable: "a" }] },
    "unknown_parameter",
    "references[0].lable",
    '"references[0].lable": there is no such field, the nearest is "label"',
  ],
  [
    { return: "b64_json" },
    "unknown_parameter",
    "return",
    'return "b64_json": expected "file"',
  ],
  [
    { model: "gpt-image-1" },
    "unknown_parameter",
    "model",
    'model "gpt-image-1": expected "gpt-image-2"',
  ],
  [
    { fail_fast: "true" },
    "unknown_parameter",
    "fail_fast",
    'fail_fast "true": expected true or false',
  ],
  [
    { qualty: "a secret", other: 1 },
    "unknown_parameter",
    "qualty",
    '"qualty": there is no such field, the nearest is "quality"',
  ],
  [
    { constructor: null },
    "unknown_parameter",
    "constructor",
    '"constructor": there is no such field, the nearest is "count"',
  ],
  [
    JSON.parse('{"__proto__":{"count":2}}'),
    "unknown_parameter",
    "__proto__",
    '"__proto__": there is no such field, the nearest is "prompt"',
  ],
];

const NO_OBJECTS: readonly (readonly [unknown, string])[] = [
  [null, "null"],
  [[], "a list"],
  ["prompt", "of type string"],
  [5, "of type number"],
  [undefined, "of type undefined"],
];

for (const [fields, code, param, message] of REFUSED) {
  Deno.test(`toValidationError() explains ${name(fields)}`, () => {
    const body = Object.defineProperties(
      { prompt: "an otter" },
      Object.getOwnPropertyDescriptors(fields),
    );
    const error = refuse(body);
    assertEquals(error.message, `Cannot use ${message}`);
    assertEquals([error.code, error.param], [code, param]);
  });
}

for (const [body, kind] of NO_OBJECTS) {
  Deno.test(`toValidationError() explains a body that is ${kind}`, () => {
    const error = refuse(body);
    assertEquals(
      error.message,
      `Cannot use the body: expected a JSON object, and it is ${kind}`,
    );
    assertEquals([error.code, error.param], ["invalid_json", null]);
  });
}

Deno.test("toValidationError() shortens a long value", () => {
  const error = refuse({ prompt: "an otter", quality: "x".repeat(1000) });
  assert(error.message.startsWith(
    `Cannot use quality "${"x".repeat(60)}…": expected "auto"`,
  ));
});

Deno.test("toValidationError() shortens a long name", () => {
  const error = refuse({ prompt: "an otter", ["x".repeat(1000)]: 1 });
  assertEquals(error.param, "x".repeat(60));
  assert(error.message.length < 200);
});

function refuse(body: unknown): ValidationError {
  const error = assertThrows(() => parseGenerateRequest(body), ValidationError);
  return error;
}

function name(fields: Record<string, unknown>): string {
  const json = JSON.stringify(fields);
  return json.length > 80 ? `${json.slice(0, 80).toWellFormed()}…` : json;
}

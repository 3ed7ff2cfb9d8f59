import { assertEquals, assertThrows } from "@std/assert";
import { type FormInput, GENERATE_FORM } from "../../src/api/form.ts";
import { parseGenerateRequest } from "../../src/api/generate_request.ts";
import { ValidationError } from "../../src/api/validation_error.ts";
import { EDITS_FORM } from "../../src/openai/request.ts";

type Fields = readonly (readonly [name: string, value: string])[];

/** Fields, and what they become. */
const READ: readonly (readonly [Fields, Record<string, unknown>])[] = [
  [[], {}],
  [[["prompt", " a fox\r\n"]], { prompt: " a fox\r\n" }],
  [[["prompt", "5"]], { prompt: "5" }],
  [[["prompt", "true"]], { prompt: "true" }],
  [[["count", "2"]], { count: 2 }],
  [[["n", "10"]], { n: 10 }],
  [[["output_compression", "0"]], { output_compression: 0 }],
  [[["count", "-1"]], { count: -1 }],
  [[["count", "1.5"]], { count: 1.5 }],
  ...["two", " 2", "2 ", "02", "0x2", "1e0", "+2", "2.", "NaN", "Infinity"]
    .map((text) => [[["count", text]], { count: text }] as const),
  [[["fail_fast", "true"]], { fail_fast: true }],
  [[["fail_fast", "false"]], { fail_fast: false }],
  [[["fail_fast", "1"]], { fail_fast: "1" }],
  [[["fail_fast", "True"]], { fail_fast: true }],
  [[["fail_fast", "False"]], { fail_fast: false }],
  [[["fail_fast", "Yes"]], { fail_fast: "Yes" }],
  [[["canvas_size", '{"width":4,"height":3}']], {
    canvas_size: { width: 4, height: 3 },
  }],
  [[["canvas_size", "4x3"]], { canvas_size: "4x3" }],
  [[["canvas_size[width]", "4.5"], ["canvas_size[height]", "3"]], {
    canvas_size: { width: 4.5, height: 3 },
  }],
  [[["canvas_size[height]", "tall"]], { canvas_size: { height: "tall" } }],
  [[["canvas_size[__proto__]", "3"]], {
    canvas_size: Object.fromEntries([["__proto__", 3]]),
  }],
  [[["prompt", ""], ["count", ""], ["fail_fast", ""]], {}],
  [[["canvas_size", ""], ["canvas_size[width]", ""]], {}],
  [[["size", ""], ["size", "1K"], ["size", ""]], { size: "1K" }],
];

/** Fields, and the code, the field and the message with which they are refused. */
const REFUSED: readonly (readonly [Fields, string, string, string])[] = [
  [
    [["size", "1K"], ["size", "1K"]],
    "invalid_size",
    "size",
    "Cannot use size: it comes more than once, expected one value",
  ],
  [
    [["prompt", "a"], ["prompt", "b"]],
    "invalid_prompt",
    "prompt",
    "Cannot use prompt: it comes more than once, expected one value",
  ],
  [
    [["canvas_size[width]", "1"], ["canvas_size[width]", "1"]],
    "invalid_aspect",
    "canvas_size[width]",
    "Cannot use canvas_size[width]: it comes more than once, expected one value",
  ],
  [
    [["canvas_size[width]", "1"], ["canvas_size", "{}"]],
    "invalid_aspect",
    "canvas_size",
    "Cannot use canvas_size: it comes as a whole and in parts",
  ],
  [
    [["colour", "red"]],
    "unknown_parameter",
    "colour",
    'Cannot use "colour": there is no such field in a form, the nearest is "count"',
  ],
  [
    [["size[width]", "1"]],
    "unknown_parameter",
    "size[width]",
    'Cannot use "size[width]": there is no such field in a form, the nearest is "size"',
  ],
  [
    [["referenc", "[]"]],
    "unknown_parameter",
    "referenc",
    'Cannot use "referenc": there is no such field in a form, the nearest is "reference"',
  ],
  [
    [["reference[]", "x"]],
    "unknown_parameter",
    "reference[]",
    'Cannot use "reference[]": there is no such field in a form, the nearest is "reference"',
  ],
  [
    [["__proto__", ""]],
    "unknown_parameter",
    "__proto__",
    'Cannot use "__proto__": there is no such field in a form, the nearest is "prompt"',
  ],
  [
    [["x".repeat(100), ""]],
    "unknown_parameter",
    "x".repeat(60),
    `Cannot use "${
      "x".repeat(60)
    }…": there is no such field in a form, the nearest is "prompt"`,
  ],
];

/** Names of files, and the labels that they become. */
const LABELS: readonly (readonly [string | undefined, string | undefined])[] = [
  ["photo.png", "photo.png"],
  ["图层 1.png", "图层 1.png"],
  ["/home/me/photo.png", "photo.png"],
  ["C:\\dir\\photo.png", "photo.png"],
  ["a %22b%22\n\0.png", 'a "b".png'],
  ["🦦".repeat(300), "🦦".repeat(200)],
  ["blob", undefined],
  ["", undefined],
  ["dir/", undefined],
  ["\u0001", undefined],
  [undefined, undefined],
];

for (const [fields, expected] of READ) {
  Deno.test(`Form reads ${JSON.stringify(fields)}`, () => {
    assertEquals(GENERATE_FORM.read(form(fields)).body, expected);
  });
}

for (const [fields, code, param, message] of REFUSED) {
  Deno.test(`Form refuses ${JSON.stringify(fields)}`, () => {
    const error = refuse(() => GENERATE_FORM.read(form(fields)));
    assertEquals([error.code, error.param], [code, param]);
    assertEquals(error.message, message);
  });
}

Deno.test("Form refuses nothing that the schema puts into better words", () => {
  for (
    const [name, message] of [
      ["count", 'Cannot use count "x": expected a whole number from 1 to 4'],
      ["fail_fast", 'Cannot use fail_fast "x": expected true or false'],
      [
        "canvas_size",
        'Cannot use canvas_size "x": expected an object with width and height',
      ],
    ]
  ) {
    const { body } = GENERATE_FORM.read(form([["prompt", "a"], [name, "x"]]));
    const error = refuse(() => parseGenerateRequest(body));
    assertEquals(error.message, message);
  }
});

for (const [fileName, label] of LABELS) {
  Deno.test(`Form labels ${JSON.stringify(fileName)} as ${JSON.stringify(label)}`, () => {
    const { uploads } = GENERATE_FORM.read({
      fields: [],
      files: [upload("reference", fileName)],
    });
    assertEquals(uploads.map(({ label }) => label), [label]);
  });
}

Deno.test("Form makes references of files, in their order", () => {
  const files = [upload("reference", "a.png"), upload("reference", "b.png")];
  assertEquals(
    GENERATE_FORM.read({ fields: [], files }).uploads,
    ["a.png", "b.png"].map((label, index) => ({
      param: `reference[${index}]`,
      label,
      source: undefined,
      path: "/uploads/1",
      bytes: 1,
      sha256: "00",
    })),
  );
});

Deno.test("Form counts a field with and without brackets as one", () => {
  const files = ["image", "image[]", "mask", "image"]
    .map((field) => upload(field));
  assertEquals(
    EDITS_FORM.read({ fields: [], files }).uploads.map(({ param }) => param),
    ["image[0]", "image[1]", "mask", "image[2]"],
  );
});

Deno.test("Form refuses a second file where there is one", () => {
  const files = [upload("mask"), upload("mask")];
  const error = refuse(() => EDITS_FORM.read({ fields: [], files }));
  assertEquals([error.code, error.param], ["invalid_reference", "mask"]);
  assertEquals(
    error.message,
    "Cannot use mask: it comes more than once, expected one file",
  );
});

Deno.test("Form tells which fields are files", () => {
  const fields = [
    "prompt",
    "image",
    "image[]",
    "image[12]",
    "image[x]",
    "mask",
    "mask[0]",
    "images",
    "__proto__",
  ];
  assertEquals(
    fields.filter((field) => EDITS_FORM.isFile(field)),
    ["image", "image[]", "image[12]", "mask", "images"],
  );
});

Deno.test("Form refuses a field with its code", () => {
  const codes = ["reference", "prompt", "n", "canvas_size[width]", "fit", "x"]
    .map((field) => GENERATE_FORM.refuse(field, "it is bad").code);
  assertEquals(codes, [
    "invalid_reference",
    "invalid_prompt",
    "invalid_count",
    "invalid_aspect",
    "invalid_size",
    "unknown_parameter",
  ]);
  assertEquals(
    GENERATE_FORM.refuse("reference", "it is bad").message,
    "Cannot use reference: it is bad",
  );
});

function form(fields: Fields): FormInput {
  return {
    fields: fields.map(([name, value]) => ({ name, value })),
    files: [],
  };
}

function upload(
  field: string,
  fileName?: string,
): FormInput["files"][number] {
  return { field, fileName, path: "/uploads/1", bytes: 1, sha256: "00" };
}

function refuse(read: () => unknown): ValidationError {
  return assertThrows(read, ValidationError);
}

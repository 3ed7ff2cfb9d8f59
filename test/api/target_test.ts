import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Aspect,
  legalRatio,
  parseAspect,
  RATIO_OPTIONS,
} from "../../src/api/size.ts";
import { resolveTarget } from "../../src/api/target.ts";
import { ValidationError } from "../../src/api/validation_error.ts";

const WIDE = { width: 1600, height: 900 };
const TALL = { width: 900, height: 1600 };

Deno.test("resolveTarget() leaves auto without an aspect to the model", () => {
  assertEquals(
    resolveTarget({ size: "auto", canvasSize: WIDE, firstReference: WIDE }),
    { ratio: undefined, size: undefined, warnings: [] },
  );
});

Deno.test("resolveTarget() gives auto with an aspect a ratio and no size", () => {
  assertEquals(
    resolveTarget({ size: "auto", aspect: { width: 32, height: 18 } }),
    { ratio: { width: 16, height: 9 }, size: undefined, warnings: [] },
  );
});

Deno.test("resolveTarget() takes an exact size and ignores its aspect", () => {
  assertEquals(
    resolveTarget({
      size: { width: 1536, height: 1024 },
      aspect: { width: 1, height: 1 },
    }),
    {
      ratio: { width: 3, height: 2 },
      size: { width: 1536, height: 1024 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() does not miss what an ignored aspect names", () => {
  const size = { width: 1024, height: 1024 };
  assertEquals(resolveTarget({ size, aspect: "canvas" }).size, size);
  assertEquals(resolveTarget({ size, aspect: "reference" }).size, size);
});

Deno.test("resolveTarget() makes a preset without an aspect square", () => {
  assertEquals(
    resolveTarget({ size: "2K", canvasSize: WIDE, firstReference: TALL }),
    {
      ratio: { width: 1, height: 1 },
      size: { width: 2048, height: 2048 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() gives a preset the ratio of its aspect", () => {
  assertEquals(
    resolveTarget({ size: "4K", aspect: { width: 16, height: 9 } }),
    {
      ratio: { width: 16, height: 9 },
      size: { width: 3840, height: 2160 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() gives a preset the ratio of the canvas", () => {
  assertEquals(
    resolveTarget({
      size: "4K",
      aspect: "canvas",
      canvasSize: WIDE,
      firstReference: TALL,
    }),
    {
      ratio: { width: 16, height: 9 },
      size: { width: 3840, height: 2160 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() gives a preset the ratio of the first reference", () => {
  assertEquals(
    resolveTarget({
      size: "4K",
      aspect: "reference",
      canvasSize: WIDE,
      firstReference: TALL,
    }),
    {
      ratio: { width: 9, height: 16 },
      size: { width: 2160, height: 3840 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() clamps a canvas as narrow as a banner to 3:1", () => {
  assertEquals(
    resolveTarget({
      size: "4K",
      aspect: "canvas",
      canvasSize: { width: 1_000_000, height: 1 },
    }),
    {
      ratio: { width: 3, height: 1 },
      size: { width: 3840, height: 1280 },
      warnings: [],
    },
  );
});

Deno.test("resolveTarget() finds a size for a canvas of large odd edges", () => {
  assertEquals(
    resolveTarget({
      size: "4K",
      aspect: "canvas",
      canvasSize: { width: 999_999.5, height: 999_998.25 },
    }).size,
    { width: 2880, height: 2880 },
  );
});

Deno.test("resolveTarget() takes an aspect of what the request lacks as not given, and says so", () => {
  const cases = [
    ["canvas", { firstReference: WIDE }, "there is no canvas_size"],
    ["reference", { canvasSize: WIDE }, "there is no image in references"],
  ] as const;
  for (const [aspect, rest, reason] of cases) {
    const warnings = [`The aspect "${aspect}" counts as not given: ${reason}`];
    assertEquals(
      resolveTarget({ size: "auto", aspect, ...rest }),
      { ratio: undefined, size: undefined, warnings },
    );
    assertEquals(
      resolveTarget({ size: "1K", aspect, ...rest }),
      {
        ratio: { width: 1, height: 1 },
        size: { width: 1024, height: 1024 },
        warnings,
      },
    );
  }
});

Deno.test("resolveTarget() gives an output size its exact pixels, drawn in the nearest legal shape", () => {
  const cases = [
    [{ width: 1920, height: 1080 }, { width: 16, height: 9 }],
    [{ width: 1200, height: 630 }, { width: 40, height: 21 }],
    [{ width: 1320, height: 2868 }, { width: 110, height: 239 }],
    [{ width: 64, height: 2048 }, { width: 1, height: 3 }],
  ] as const;
  for (const [outputSize, ratio] of cases) {
    for (const size of ["auto", "2K"] as const) {
      assertEquals(
        resolveTarget({ size, outputSize, aspect: "canvas" }),
        { ratio, size: outputSize, warnings: [] },
      );
    }
  }
});

Deno.test("resolveTarget() takes the output size of the canvas or of the first reference", () => {
  const options = { canvasSize: WIDE, firstReference: TALL };
  const sizes = (["canvas", "reference"] as const).map((outputSize) =>
    resolveTarget({ ...options, size: "auto", outputSize }).size
  );
  assertEquals(sizes, [WIDE, TALL]);
});

Deno.test("resolveTarget() refuses the output size of what is missing or no delivered image", () => {
  const cases = [
    [{ outputSize: "canvas" }, "there is no canvas_size"],
    [{ outputSize: "reference" }, "there is no image in references"],
    [
      { outputSize: "canvas", canvasSize: { width: 100.5, height: 100 } },
      "width 100.5 is no whole number",
    ],
    [
      { outputSize: "reference", firstReference: { width: 100, height: 9000 } },
      "height 9000 is over 8192",
    ],
    [
      { outputSize: "reference", firstReference: { width: 63, height: 100 } },
      "width 63 is under 64",
    ],
    [
      { outputSize: "canvas", canvasSize: { width: 8192, height: 8192 } },
      "67108864 pixels are more than 33177600",
    ],
  ] as const;
  for (const [options, problem] of cases) {
    const error = assertThrows(
      () => resolveTarget({ size: "auto", ...options }),
      ValidationError,
      `Cannot use output_size "${options.outputSize}": ${problem}; expected`,
    );
    assertEquals([error.code, error.param], ["invalid_size", "output_size"]);
  }
});

const ASPECTS: readonly (readonly [string, Aspect])[] = [
  ["landscape", { width: 16, height: 9 }],
  ["portrait", { width: 9, height: 16 }],
  ["square", { width: 1, height: 1 }],
  ["reference", "reference"],
  ["参考图比例", "reference"],
  ["原图比例", "reference"],
  ["canvas", "canvas"],
  ["画布比例", "canvas"],
  ["16:9", { width: 16, height: 9 }],
  ["2.35:1", { width: 2.35, height: 1 }],
  ["1:100000", { width: 1, height: 100_000 }],
];

const NONE = [
  "",
  "banana",
  "Landscape",
  "16x9",
  "16:9 ",
  "16:",
  ":9",
  "16:9:1",
  "0:1",
  "1:0",
  "1:0.000",
  "-16:9",
  "1e3:1",
  ".5:1",
  "1.:1",
  "1234567:1",
  "constructor",
];

for (const [text, aspect] of ASPECTS) {
  Deno.test(`parseAspect() reads "${text}"`, () => {
    assertEquals(parseAspect(text), aspect);
  });
}

for (const text of NONE) {
  Deno.test(`parseAspect() finds no aspect in "${text}"`, () => {
    assertEquals(parseAspect(text), undefined);
  });
}

Deno.test("parseAspect() reads every option that is offered", () => {
  for (const option of RATIO_OPTIONS) {
    assert(parseAspect(option) !== undefined, option);
  }
});

Deno.test("legalRatio() brings whole numbers to their lowest terms", () => {
  assertEquals(legalRatio({ width: 1920, height: 1080 }), {
    width: 16,
    height: 9,
  });
});

Deno.test("legalRatio() leaves fractions as they are", () => {
  assertEquals(legalRatio({ width: 2.5, height: 5 }), {
    width: 2.5,
    height: 5,
  });
});

Deno.test("legalRatio() clamps what is wider than 3:1", () => {
  assertEquals(legalRatio({ width: 4, height: 1 }), { width: 3, height: 1 });
});

Deno.test("legalRatio() clamps what is taller than 1:3", () => {
  assertEquals(legalRatio({ width: 1, height: 3.5 }), { width: 1, height: 3 });
});

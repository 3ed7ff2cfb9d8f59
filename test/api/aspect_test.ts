import { assert, assertEquals } from "@std/assert";
import {
  type Aspect,
  legalRatio,
  parseAspect,
  RATIO_OPTIONS,
} from "../../src/api/size.ts";

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

import { assert, assertEquals } from "@std/assert";
import { describeValue, quoteValue } from "../../src/api/validation_error.ts";

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

import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import { formatCursor } from "../../src/library/index.ts";
import { parseImagesQuery } from "../../src/routes/list_query.ts";

const CURSOR = formatCursor(1_234_567);

Deno.test("parseImagesQuery() of nothing asks for the first twenty images", () => {
  assertEquals(parse("").limit, 20);
  assertEquals(parse(""), {
    limit: 20,
    before: undefined,
    job: undefined,
    words: undefined,
  });
});

Deno.test("parseImagesQuery() reads every parameter", () => {
  const text = `limit=100&cursor=${CURSOR}&job=gen_1&q=red+fox`;
  assertEquals(parse(text, true), {
    limit: 100,
    before: 1_234_567,
    job: "gen_1",
    words: '"red" "fox"',
  });
});

const REFUSED: Readonly<Record<string, readonly [string, string]>> = {
  "limit=0": [
    "limit",
    'Cannot use limit "0": expected a whole number from 1 to 100',
  ],
  "limit=101": [
    "limit",
    'Cannot use limit "101": expected a whole number from 1 to 100',
  ],
  "limit=": [
    "limit",
    'Cannot use limit "": expected a whole number from 1 to 100',
  ],
  "limit=1e1": [
    "limit",
    'Cannot use limit "1e1": expected a whole number from 1 to 100',
  ],
  "limit=-5": [
    "limit",
    'Cannot use limit "-5": expected a whole number from 1 to 100',
  ],
  "cursor=": [
    "cursor",
    'Cannot use cursor "": expected the "next_cursor" of an earlier answer',
  ],
  "cursor=A%0AB": [
    "cursor",
    'Cannot use cursor "A\\nB": expected the "next_cursor" of an earlier answer',
  ],
  "limt=5": [
    "limt",
    'Cannot use "limt": there is no such parameter, the nearest is "limit"',
  ],
  "q=secret": [
    "q",
    "Cannot use q: prompts are not stored, expected the setting CODEX_IMAGE_SERVER_STORE_PROMPTS=1",
  ],
};

for (const [query, [param, message]] of Object.entries(REFUSED)) {
  Deno.test(`parseImagesQuery() refuses ${query}`, () => {
    const failure = assertThrows(() => parse(query), ApiError);
    assertEquals(failure.code, "unknown_parameter");
    assertEquals([failure.param, failure.message], [param, message]);
  });
}

Deno.test("parseImagesQuery() refuses a search without words, or one that is too long", () => {
  for (const text of ["", "?!", `secret ${"x".repeat(200)}`]) {
    const failure = assertThrows(
      () => parse(`q=${encodeURIComponent(text)}`, true),
      ApiError,
    );
    assertEquals(failure.param, "q");
    assertEquals(
      failure.message,
      `Cannot use q of length ${text.length}: expected words, at most 200 characters`,
    );
  }
});

function parse(query: string, storePrompts = false) {
  return parseImagesQuery(new URLSearchParams(query), { storePrompts });
}

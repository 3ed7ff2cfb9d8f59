import { assert, assertEquals, assertThrows } from "@std/assert";
import { variationPrompt, VARIATIONS } from "../../src/generation/prompt.ts";

const MOST_CANDIDATES = 4;

Deno.test("VARIATIONS has a direction and a name of its own for every candidate", () => {
  assertEquals(VARIATIONS.length, MOST_CANDIDATES);
  for (const field of ["name", "direction"] as const) {
    const texts = VARIATIONS.map((variation) => variation[field]);
    assertEquals(new Set(texts).size, MOST_CANDIDATES);
    assert(texts.every((text) => /^\S.*\S$/.test(text)));
  }
});

Deno.test("variationPrompt() is one line for every candidate, and never the same", () => {
  for (let count = 1; count <= MOST_CANDIDATES; count++) {
    const lines = Array.from(
      { length: count },
      (_, index) => variationPrompt(index, count),
    );
    assertEquals(new Set(lines).size, count);
    assert(lines.every((line) => !line.includes("\n")));
  }
});

Deno.test("variationPrompt() numbers candidates from 1", () => {
  const line = variationPrompt(2, 4);
  assert(line.startsWith("Candidate 3 of 4"), line);
  assert(line.endsWith(VARIATIONS[2].direction), line);
});

Deno.test("variationPrompt() speaks of no others where there are none", () => {
  assertEquals(variationPrompt(0, 1), `Direction: ${VARIATIONS[0].direction}`);
});

Deno.test("variationPrompt() knows no fifth candidate", () => {
  assertThrows(() => variationPrompt(MOST_CANDIDATES, MOST_CANDIDATES + 1));
});

import { assert, assertEquals, assertLess } from "@std/assert";
import {
  firstSortKey,
  formatCursor,
  nextFirstSortKey,
  parseCursor,
  timeOf,
} from "../../src/library/index.ts";

const DATES = [
  "1960-01-01T00:00:00Z",
  "2026-01-02T03:04:05.678Z",
  "2026-01-02T03:04:05.679Z",
  "2247-12-31T23:59:59.999Z",
  "9999-12-31T23:59:59.999Z",
];

Deno.test("firstSortKey() is higher for a later time, in exact numbers", () => {
  const places = DATES.map(firstSortKey);
  for (const place of places) assert(Number.isSafeInteger(place), `${place}`);
  assertEquals(places.toSorted((a, b) => a - b), places);
  assertEquals(new Set(places).size, places.length);
});

Deno.test("timeOf() tells the time of all places of a millisecond", () => {
  const first = firstSortKey(DATES[1]);
  const next = nextFirstSortKey(first);
  assertEquals(timeOf(first), Date.parse(DATES[1]));
  assertEquals(timeOf(next - 1), Date.parse(DATES[1]));
  assertEquals(timeOf(next), Date.parse(DATES[1]) + 1);
});

Deno.test("nextFirstSortKey() leaves room for images of the same millisecond", () => {
  const first = firstSortKey(DATES[1]);
  assertLess(first + 1_000, nextFirstSortKey(first));
  assertEquals(nextFirstSortKey(first), firstSortKey(DATES[2]));
});

Deno.test("parseCursor() reads what formatCursor() has written", () => {
  for (const place of [0, ...DATES.map(firstSortKey)]) {
    assertEquals(parseCursor(formatCursor(place)), place);
  }
});

Deno.test("parseCursor() takes nothing else", () => {
  const others = ["", " ", "-1", "1.5", "ABC", "é", "1\n", "zzzzzzzzzzz", "x"];
  const good = formatCursor(firstSortKey(DATES[1]));
  const damaged = [good.slice(1), good.slice(0, -1), `${good}0`, `0${good}`];
  for (const text of [...others, ...damaged, "a".repeat(12)]) {
    assertEquals(parseCursor(text), undefined, text);
  }
});

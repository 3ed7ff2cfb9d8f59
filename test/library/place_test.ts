import { assert, assertEquals, assertLess } from "@std/assert";
import {
  firstPlace,
  formatCursor,
  nextFirstPlace,
  parseCursor,
  timeOf,
} from "../../src/library/place.ts";

const DATES = [
  "1960-01-01T00:00:00Z",
  "2026-01-02T03:04:05.678Z",
  "2026-01-02T03:04:05.679Z",
  "2247-12-31T23:59:59.999Z",
  "9999-12-31T23:59:59.999Z",
];

Deno.test("firstPlace() is higher for a later time, in exact numbers", () => {
  const places = DATES.map(firstPlace);
  for (const place of places) assert(Number.isSafeInteger(place), `${place}`);
  assertEquals(places.toSorted((a, b) => a - b), places);
  assertEquals(new Set(places).size, places.length);
});

Deno.test("timeOf() tells the time of all places of a millisecond", () => {
  const first = firstPlace(DATES[1]);
  const next = nextFirstPlace(first);
  assertEquals(timeOf(first), Date.parse(DATES[1]));
  assertEquals(timeOf(next - 1), Date.parse(DATES[1]));
  assertEquals(timeOf(next), Date.parse(DATES[1]) + 1);
});

Deno.test("nextFirstPlace() leaves room for images of the same millisecond", () => {
  const first = firstPlace(DATES[1]);
  assertLess(first + 1_000, nextFirstPlace(first));
  assertEquals(nextFirstPlace(first), firstPlace(DATES[2]));
});

Deno.test("parseCursor() reads what formatCursor() has written", () => {
  for (const place of [0, ...DATES.map(firstPlace)]) {
    assertEquals(parseCursor(formatCursor(place)), place);
  }
});

Deno.test("parseCursor() takes nothing else", () => {
  const others = ["", " ", "-1", "1.5", "ABC", "é", "1\n", "zzzzzzzzzzz", "x"];
  const good = formatCursor(firstPlace(DATES[1]));
  const damaged = [good.slice(1), good.slice(0, -1), `${good}0`, `0${good}`];
  for (const text of [...others, ...damaged, "a".repeat(12)]) {
    assertEquals(parseCursor(text), undefined, text);
  }
});

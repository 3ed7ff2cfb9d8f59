import { assertEquals } from "@std/assert";
import { readResetTime } from "../../src/codex/failures.ts";

const MINUTE = 60;
const HOUR = 3600;
const NOON = "2026-11-22T12:00:00Z";

for (
  const [now, time, seconds] of [
    [NOON, "8:19 PM", 8 * HOUR + 19 * MINUTE],
    [NOON, "12:01 PM", MINUTE],
    [NOON, "12:00 AM", 12 * HOUR],
    [NOON, "12:30 AM", 12 * HOUR + 30 * MINUTE],
    [NOON, "8:19 AM", 20 * HOUR + 19 * MINUTE],
    [NOON, "11:58 AM", 24 * HOUR - 2 * MINUTE],
    ["2026-11-22T23:50:00Z", "12:05 AM", 15 * MINUTE],
    ["2026-12-31T23:50:00Z", "1:00 AM", HOUR + 10 * MINUTE],
    ["2026-11-22T12:00:30.400Z", "12:02 PM", 90],
    ["2026-11-22T12:00:30Z", "12:00 PM", 1],
    [NOON, "Nov 22nd, 2026 8:19 PM", 8 * HOUR + 19 * MINUTE],
    [NOON, "Nov 25th, 2026 12:00 PM", 3 * 24 * HOUR],
    [NOON, "Nov 23rd, 2026 12:00 AM", 12 * HOUR],
    [NOON, "Jan 1st, 2027 12:15 AM", 39.5 * 24 * HOUR + 15 * MINUTE],
    [NOON, "Nov 21st, 2026 8:19 PM", 1],
  ] as const
) {
  Deno.test(`readResetTime() at ${now} reads "${time}"`, () => {
    const message = `You’ve hit your usage limit. … or try again at ${time}.`;
    assertEquals(readResetTime(message, new Date(now)), seconds);
  });
}

for (
  const message of [
    "You’ve hit your usage limit.",
    "try again later",
    "try again at 20:19",
    "try again at Foo 25th, 2026 8:19 PM",
    "try again at 8:99 PM",
  ]
) {
  Deno.test(`readResetTime() finds no time in "${message}"`, () => {
    assertEquals(readResetTime(message, new Date(NOON)), undefined);
  });
}

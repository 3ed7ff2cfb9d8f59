import { assertEquals, assertMatch } from "@std/assert";
import { quotaLine, timeOf } from "../../../scripts/generate/quota.ts";
import type { UsageView } from "../../../src/api/server_schemas.ts";

const WINDOW = { minutes: 300, used_percent: 41.6, resets_at: null };
const USAGE: UsageView = {
  as_of: "2026-11-27T12:00:00.000Z",
  source: "codex",
  limit_reached: false,
  paused: null,
  windows: [
    { ...WINDOW, limit: "codex" },
    { ...WINDOW, limit: "imagegen_premium", minutes: 10_080 },
  ],
  images: { count: 12, percent_per_image: 0.33, estimate: true },
};

Deno.test("quotaLine() tells every window and what an image takes", () => {
  assertEquals(
    quotaLine(USAGE),
    "Quota: 5 h 42 % used; imagegen_premium 7 d 42 % used; about 0.33 % an image",
  );
});

Deno.test("quotaLine() tells nothing where there is no window", () => {
  assertEquals(quotaLine({ ...USAGE, windows: [] }), undefined);
});

Deno.test("timeOf() tells the day of what is not near", () => {
  const now = Date.parse("2026-11-27T12:00:00Z");
  assertMatch(timeOf("2026-11-27T13:05:00Z", now), /^\d\d:05$/);
  assertMatch(timeOf("2026-12-03T13:05:00Z", now), /^\d Dec.* \d\d:05$/);
});

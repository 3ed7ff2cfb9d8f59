import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import { SseLimiter } from "../../src/http/sse.ts";

Deno.test("SseLimiter hands out as many places as there are", () => {
  const places = new SseLimiter(2);
  places.take();
  places.take();
  const failure = assertThrows(() => places.take(), ApiError);
  assertEquals([failure.code, failure.retryAfter], ["queue_full", 5]);
  assertEquals(
    failure.message,
    "Cannot open a stream of events: all 2 places are taken",
  );
});

Deno.test("SseLimiter takes a place back once", () => {
  const places = new SseLimiter(1);
  const place = places.take();
  place.dispose();
  place.dispose();
  places.take();
  assertThrows(() => places.take(), ApiError);
});

Deno.test("SseLimiter knows a place that was moved", () => {
  const places = new SseLimiter(1);
  const held = places.take().move();
  assertThrows(() => places.take(), ApiError);
  held.dispose();
  places.take();
});

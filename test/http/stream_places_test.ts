import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { StreamPlaces } from "../../src/http/stream_places.ts";

Deno.test("StreamPlaces hands out as many places as there are", () => {
  const places = new StreamPlaces(2);
  places.take();
  places.take();
  const failure = assertThrows(() => places.take(), Failure);
  assertEquals([failure.code, failure.retryAfter], ["queue_full", 5]);
  assertEquals(
    failure.message,
    "Cannot open a stream of events: all 2 places are taken",
  );
});

Deno.test("StreamPlaces takes a place back once", () => {
  const places = new StreamPlaces(1);
  const place = places.take();
  place.dispose();
  place.dispose();
  places.take();
  assertThrows(() => places.take(), Failure);
});

Deno.test("StreamPlaces knows a place that was moved", () => {
  const places = new StreamPlaces(1);
  const held = places.take().move();
  assertThrows(() => places.take(), Failure);
  held.dispose();
  places.take();
});

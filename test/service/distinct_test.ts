import { assert, assertEquals, assertMatch } from "@std/assert";
import { NEAR_DUPLICATE_DISTANCE } from "../../src/images/perceptual_hash.ts";
import { startTestService } from "../support/service.ts";

// The answer is JSON whose form other tests check.
// deno-lint-ignore no-explicit-any
async function generate(prompt: string, count: number): Promise<any> {
  await using server = await startTestService();
  const response = await fetch(`${server.url}/v1/images/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt, count }),
  });
  const answer = await response.json();
  const images = server.place.sandbox.record.to("/v1/images/generations");
  return { answer, images: images.length };
}

Deno.test("POST generate tells how far apart the two most alike candidates are", async () => {
  const { answer } = await generate("an owl on a fence", 3);
  assert(answer.smallest_distance > NEAR_DUPLICATE_DISTANCE);
  assertEquals(answer.warnings, []);
});

Deno.test("POST generate tells no distance of a single image", async () => {
  const { answer } = await generate("an owl on a roof", 1);
  assertEquals(answer.smallest_distance, null);
});

Deno.test("POST generate makes a candidate that looks like another once more", async () => {
  const { answer, images } = await generate("an owl sandbox:alike=2", 2);
  assertEquals(images, 3);
  assertEquals(answer.data.length, 2);
  assertEquals(answer.warnings, []);
  assert(answer.smallest_distance > NEAR_DUPLICATE_DISTANCE);
});

Deno.test("POST generate keeps a candidate that looks like another twice, and says so", async () => {
  const { answer, images } = await generate("an owl sandbox:alike", 2);
  assertEquals(images, 3);
  assertEquals(answer.data.length, 2);
  assert(answer.data[0].sha256 !== answer.data[1].sha256);
  assert(answer.smallest_distance <= NEAR_DUPLICATE_DISTANCE);
  assertMatch(answer.warnings[0].message, /looks much like candidate [12]/);
});

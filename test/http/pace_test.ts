import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import { HttpError } from "../../src/errors.ts";
import { requirePace } from "../../src/http/pace.ts";

Deno.test("requirePace() passes on every byte of a body that comes at once", async () => {
  const body = new Blob(["one", "two", "three"]).stream();
  const paced = requirePace(body, { bytesPerS: 1_000_000, graceMs: 100 });
  assertEquals(await new Response(paced).text(), "onetwothree");
});

Deno.test("requirePace() leaves a body alone where any pace will do", () => {
  const body = new Blob(["one"]).stream();
  assertEquals(requirePace(body), body);
  assertEquals(requirePace(body, { bytesPerS: 0, graceMs: 1 }), body);
});

Deno.test("requirePace() gives up on a body that stays away, and lets go of it", async () => {
  let reason: unknown = undefined;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    cancel: (given) => void (reason = given),
  });
  const paced = requirePace(body, { bytesPerS: 10, graceMs: 20 });
  const failure = await assertRejects(
    () => new Response(paced).text(),
    HttpError,
  );
  assertEquals([failure.code, failure.status], ["request_canceled", 408]);
  assertStringIncludes(failure.message, "10 bytes a second");
  assertEquals(reason, failure);
});

Deno.test("requirePace() gives up on a body that trickles, however fast it began", async () => {
  const paced = requirePace(trickle(1_000_000), {
    bytesPerS: 1_000,
    graceMs: 100,
  });
  await assertRejects(() => new Response(paced).bytes(), HttpError);
});

Deno.test("requirePace() lets a slow body earn its time by its bytes", async () => {
  async function* steady() {
    for (let chunk = 0; chunk < 10; chunk++) {
      await delay(30);
      yield new Uint8Array(1_000);
    }
  }
  const body = ReadableStream.from(steady());
  // All of it takes longer than the grace.
  const paced = requirePace(body, { bytesPerS: 1_000, graceMs: 250 });
  assertEquals((await new Response(paced).bytes()).length, 10_000);
});

Deno.test("requirePace() does not count the time that its reader takes", async () => {
  const body = new Blob([new Uint8Array(200_000)]).stream();
  const paced = requirePace(body, { bytesPerS: 1_000_000, graceMs: 30 });
  let bytes = 0;
  for await (const chunk of paced) {
    await delay(50);
    bytes += chunk.length;
  }
  assertEquals(bytes, 200_000);
});

Deno.test("requirePace() lets go of a body that nobody reads on", async () => {
  let reason: unknown = undefined;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    cancel: (given) => void (reason = given),
  });
  await requirePace(body, { bytesPerS: 1, graceMs: 1_000 }).cancel("enough");
  assertEquals(reason, "enough");
});

/** Gives many bytes at first, then one now and then for ever. */
function trickle(first: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(first));
      timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 10);
    },
    cancel: () => clearInterval(timer),
  });
}

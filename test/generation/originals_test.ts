import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EMPTY_SUMMARY } from "../../src/codex/session.ts";
import type { WorkerImage } from "../../src/codex/worker.ts";
import { ApiError } from "../../src/errors.ts";
import { makeWithOriginals } from "../../src/generation/candidate.ts";
import { MissingReferencesError } from "../../src/generation/references.ts";

const REFERENCE = {
  path: "/work/reference-1-abcd1234.png",
  label: "layer",
  sha256: "00",
  bytes: 1,
  width: 1,
  height: 1,
};

function originals(failFast: boolean) {
  return { references: [REFERENCE], request: { failFast } };
}

function picture(...toolCalls: string[]): WorkerImage {
  const facts = Promise.resolve({ ...EMPTY_SUMMARY, toolCalls });
  return { bytes: new Uint8Array(), facts };
}

const WITH = picture(`{"referenced_image_paths":["${REFERENCE.path}"]}`);
const WITHOUT = picture('{"prompt":"x"}');

/** Makes work that gives one outcome after the other, and notes whether it was told to insist. */
function work(...outcomes: (WorkerImage | Error)[]) {
  const insisted: boolean[] = [];
  const run = (insist: boolean) => {
    insisted.push(insist);
    const outcome = outcomes.shift();
    return outcome instanceof Error
      ? Promise.reject(outcome)
      : Promise.resolve(outcome as WorkerImage);
  };
  return { insisted, run };
}

Deno.test("makeWithOriginals() is content with a first picture that has all originals", async () => {
  const { insisted, run } = work(WITH);
  assertStrictEquals(await makeWithOriginals(originals(false), run), WITH);
  assertEquals(insisted, [false]);
});

Deno.test("makeWithOriginals() insists once where an original is left out", async () => {
  for (
    const first of [
      WITHOUT,
      new MissingReferencesError("codex_exec_failed", "left out"),
    ]
  ) {
    const { insisted, run } = work(first, WITH);
    assertStrictEquals(await makeWithOriginals(originals(false), run), WITH);
    assertEquals(insisted, [false, true]);
  }
});

Deno.test("makeWithOriginals() takes a second picture without the original", async () => {
  const second = picture('{"prompt":"y"}');
  const { run } = work(WITHOUT, second);
  assertStrictEquals(await makeWithOriginals(originals(false), run), second);
});

Deno.test("makeWithOriginals() keeps the first picture where the second attempt fails", async () => {
  const { run } = work(WITHOUT, new ApiError("codex_timeout", "too late"));
  assertStrictEquals(await makeWithOriginals(originals(false), run), WITHOUT);
});

Deno.test("makeWithOriginals() fails with the second attempt where there is no first picture", async () => {
  const left = new MissingReferencesError("codex_exec_failed", "left out");
  const { run } = work(left, new ApiError("codex_timeout", "too late"));
  await assertRejects(
    () => makeWithOriginals(originals(false), run),
    ApiError,
    "too late",
  );
});

Deno.test("makeWithOriginals() keeps nothing of a request that was canceled or is to fail fast", async () => {
  const canceled = new ApiError("request_canceled", "gone");
  await assertRejects(
    () => makeWithOriginals(originals(false), work(WITHOUT, canceled).run),
    ApiError,
    "gone",
  );
  await assertRejects(
    () => makeWithOriginals(originals(true), work(WITHOUT, WITHOUT).run),
    MissingReferencesError,
  );
});

Deno.test("makeWithOriginals() asks for nothing where Codex recorded no call", async () => {
  const { insisted, run } = work(picture());
  await makeWithOriginals(originals(false), run);
  assertEquals(insisted, [false]);
});

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EMPTY_SUMMARY } from "../../src/codex/session.ts";
import type { WorkerImage } from "../../src/codex/worker.ts";
import { ApiError } from "../../src/errors.ts";
import { makeDistinct } from "../../src/generation/candidate.ts";
import { ImageSet, takeFingerprint } from "../../src/generation/duplicates.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";

async function picture(serial: number, bytes = 0): Promise<WorkerImage> {
  return {
    bytes: await drawPicture({
      prompt: "a heron",
      variation: "",
      width: 300,
      height: 200,
      references: 0,
      transparent: false,
      serial,
      bytes,
    }),
    facts: Promise.resolve(EMPTY_SUMMARY),
  };
}

/** Makes work that gives one outcome after the other. */
function work(...outcomes: (WorkerImage | Error)[]) {
  return () => {
    const outcome = outcomes.shift();
    return outcome instanceof Error
      ? Promise.reject(outcome)
      : Promise.resolve(outcome as WorkerImage);
  };
}

/** The pictures of a request whose first candidate is done. */
async function firstDone(): Promise<{ readonly pictures: ImageSet }> {
  const pictures = new ImageSet();
  pictures.add(await takeFingerprint((await picture(1)).bytes, 0));
  return { pictures };
}

const FAILURE = new ApiError("rate_limit_exceeded", "too many");

Deno.test("makeDistinct() is content with a new picture", async () => {
  const fresh = await picture(2);
  const made = await makeDistinct(await firstDone(), 1, work(fresh));
  assertStrictEquals(made.picture, fresh);
  assertEquals(made.warnings, []);
});

Deno.test("makeDistinct() makes one that is the same, or looks it, once more", async () => {
  const fresh = await picture(2);
  for (const first of [await picture(1), await picture(1, 400_000)]) {
    const made = await makeDistinct(await firstDone(), 1, work(first, fresh));
    assertStrictEquals(made.picture, fresh);
    assertEquals(made.warnings, []);
  }
});

Deno.test("makeDistinct() fails where it is the same twice", async () => {
  const same = await picture(1);
  const batch = await firstDone();
  await assertRejects(
    () => makeDistinct(batch, 1, work(same, same)),
    ApiError,
    "that of candidate 1",
  );
});

Deno.test("makeDistinct() keeps a picture that only looks alike, and says so", async () => {
  const [same, alike] = [await picture(1), await picture(1, 400_000)];
  const other = await picture(1, 500_000);
  const cases = [
    [work(alike, other), other],
    [work(alike, same), alike],
    [work(same, alike), alike],
    [work(alike, FAILURE), alike],
  ] as const;
  for (const [run, kept] of cases) {
    const made = await makeDistinct(await firstDone(), 1, run);
    assertStrictEquals(made.picture, kept);
    assertEquals(made.warnings.length, 1);
  }
});

Deno.test("makeDistinct() fails with the second attempt where the first was the same", async () => {
  const batch = await firstDone();
  const same = await picture(1);
  await assertRejects(
    () => makeDistinct(batch, 1, work(same, FAILURE)),
    ApiError,
    "too many",
  );
});

Deno.test("makeDistinct() lets only one candidate keep a picture to which two come at once", async () => {
  const batch = await firstDone();
  const [same, alike] = [await picture(1), await picture(1, 400_000)];
  const outcomes = await Promise.allSettled(
    [1, 2].map((index) => makeDistinct(batch, index, work(same, alike))),
  );
  assertEquals(outcomes.map(({ status }) => status).sort(), [
    "fulfilled",
    "rejected",
  ]);
});

Deno.test("makeDistinct() names the candidate that the kept picture resembles", async () => {
  const batch = await firstDone();
  batch.pictures.add(await takeFingerprint((await picture(2)).bytes, 1));
  const run = work(await picture(1), await picture(2, 400_000));
  const { warnings } = await makeDistinct(batch, 2, run);
  assertEquals(warnings, [
    "Candidate 3 looks much like candidate 2, although it was made twice",
  ]);
});

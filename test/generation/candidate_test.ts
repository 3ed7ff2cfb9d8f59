import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EMPTY_SUMMARY } from "../../src/codex/session.ts";
import type { WorkerImage } from "../../src/codex/worker.ts";
import { ApiError } from "../../src/errors.ts";
import { drawUntilGood } from "../../src/generation/candidate.ts";
import { ImageSet, takeFingerprint } from "../../src/generation/duplicates.ts";
import { MissingReferencesError } from "../../src/generation/references.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";

const REFERENCE = {
  path: "/work/reference-1-abcd1234.png",
  label: "layer",
  sha256: "00",
  bytes: 1,
  width: 1,
  height: 1,
};
const LEFT_OUT = new MissingReferencesError("codex_exec_failed", "left out");
const LIMITED = new ApiError("rate_limit_exceeded", "too many");
const CANCELED = new ApiError("request_canceled", "gone");

/** A request for one picture from one reference. */
function single(failFast = false) {
  return {
    pictures: new ImageSet(),
    references: [REFERENCE],
    request: { count: 1, failFast },
  };
}

/** A request for more pictures, whose first one is done. */
async function several(failFast = false) {
  const pictures = new ImageSet();
  pictures.add(await takeFingerprint((await picture(1)).bytes, 0));
  return { pictures, references: [], request: { count: 3, failFast } };
}

/** A picture of which Codex recorded some tool calls. */
function recorded(...toolCalls: string[]): WorkerImage {
  const facts = Promise.resolve({ ...EMPTY_SUMMARY, toolCalls });
  return { bytes: new Uint8Array(), facts };
}

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

/** Gives one outcome after the other, and notes for which the model was reminded of the originals. */
function outcomes(...results: (WorkerImage | Error)[]) {
  const reminded: boolean[] = [];
  const draw = (remind: boolean) => {
    reminded.push(remind);
    const result = results.shift();
    return result instanceof Error
      ? Promise.reject(result)
      : Promise.resolve(result as WorkerImage);
  };
  return { reminded, draw };
}

const WITH = recorded(`{"referenced_image_paths":["${REFERENCE.path}"]}`);
const WITHOUT = recorded('{"prompt":"x"}');

Deno.test("drawUntilGood() takes a first picture that has all originals", async () => {
  const { draw, reminded } = outcomes(WITH);
  const { image, warnings } = await drawUntilGood(single(), 0, draw);
  assertStrictEquals(image, WITH);
  assertEquals([warnings, reminded], [[], [false]]);
});

Deno.test("drawUntilGood() reminds once of an original that is left out", async () => {
  for (const first of [WITHOUT, LEFT_OUT]) {
    const { draw, reminded } = outcomes(first, WITH);
    const { image } = await drawUntilGood(single(), 0, draw);
    assertStrictEquals(image, WITH);
    assertEquals(reminded, [false, true]);
  }
});

Deno.test("drawUntilGood() takes a second picture without the original", async () => {
  const second = recorded('{"prompt":"y"}');
  const { draw } = outcomes(WITHOUT, second);
  assertStrictEquals((await drawUntilGood(single(), 0, draw)).image, second);
});

Deno.test("drawUntilGood() delivers the first picture where the reminder makes none", async () => {
  const { draw } = outcomes(WITHOUT, LIMITED);
  assertStrictEquals((await drawUntilGood(single(), 0, draw)).image, WITHOUT);
});

Deno.test("drawUntilGood() fails with the reminder where there is no first picture", async () => {
  const { draw } = outcomes(LEFT_OUT, LIMITED);
  await assertRejects(
    () => drawUntilGood(single(), 0, draw),
    ApiError,
    "too many",
  );
});

Deno.test("drawUntilGood() delivers nothing of a request that was canceled or is to fail fast", async () => {
  await assertRejects(
    () => drawUntilGood(single(), 0, outcomes(WITHOUT, CANCELED).draw),
    ApiError,
    "gone",
  );
  for (const second of [WITHOUT, LEFT_OUT]) {
    await assertRejects(
      () => drawUntilGood(single(true), 0, outcomes(WITHOUT, second).draw),
      MissingReferencesError,
    );
  }
});

Deno.test("drawUntilGood() asks for no original where Codex recorded no call", async () => {
  const { draw, reminded } = outcomes(recorded());
  await drawUntilGood(single(), 0, draw);
  assertEquals(reminded, [false]);
});

Deno.test("drawUntilGood() draws again what is the same as another, or looks like it", async () => {
  const fresh = await picture(2);
  for (const first of [await picture(1), await picture(1, 400_000)]) {
    const { draw } = outcomes(first, fresh);
    const { image, warnings } = await drawUntilGood(await several(), 1, draw);
    assertStrictEquals(image, fresh);
    assertEquals(warnings, []);
  }
});

Deno.test("drawUntilGood() fails where a picture is the same twice", async () => {
  const same = await picture(1);
  const context = await several();
  await assertRejects(
    () => drawUntilGood(context, 1, outcomes(same, same).draw),
    ApiError,
    "that of candidate 1",
  );
});

Deno.test("drawUntilGood() delivers a picture that only looks alike, and says so", async () => {
  const [same, alike] = [await picture(1), await picture(1, 400_000)];
  const other = await picture(1, 500_000);
  const cases = [
    [outcomes(alike, other), other],
    [outcomes(alike, same), alike],
    [outcomes(same, alike), alike],
    [outcomes(alike, LIMITED), alike],
  ] as const;
  for (const [{ draw }, kept] of cases) {
    const { image, warnings } = await drawUntilGood(await several(), 1, draw);
    assertStrictEquals(image, kept);
    assertEquals(warnings.length, 1);
  }
});

Deno.test("drawUntilGood() fails with the second try where the first picture was the same", async () => {
  const context = await several();
  const same = await picture(1);
  await assertRejects(
    () => drawUntilGood(context, 1, outcomes(same, LIMITED).draw),
    ApiError,
    "too many",
  );
});

Deno.test("drawUntilGood() lets only one candidate deliver a picture to which two come at once", async () => {
  const context = await several();
  const [same, alike] = [await picture(1), await picture(1, 400_000)];
  const settled = await Promise.allSettled(
    [1, 2].map((index) =>
      drawUntilGood(context, index, outcomes(same, alike).draw)
    ),
  );
  assertEquals(settled.map(({ status }) => status).sort(), [
    "fulfilled",
    "rejected",
  ]);
});

Deno.test("drawUntilGood() names the candidate that the delivered picture resembles", async () => {
  const context = await several();
  context.pictures.add(await takeFingerprint((await picture(2)).bytes, 1));
  const { draw } = outcomes(await picture(1), await picture(2, 400_000));
  const { warnings } = await drawUntilGood(context, 2, draw);
  assertEquals(warnings, [
    "Candidate 3 looks much like candidate 2, although it was made twice",
  ]);
});

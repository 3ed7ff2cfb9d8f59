import { assertEquals } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import type { Progress } from "../../src/generation/generation.ts";
import { advance, viewCandidate } from "../../src/jobs/job.ts";
import { type CandidateState, newCandidate } from "../../src/jobs/job_store.ts";

/** Takes a candidate through steps at times in milliseconds. */
function after(...steps: readonly [Progress, number][]): CandidateState {
  return steps.reduce(
    (state, [progress, now]) => advance(state, progress, now),
    newCandidate(0),
  );
}

function shown(state: CandidateState, median: number | undefined, now: number) {
  const { elapsed_ms, estimate_ms, phase, position } = viewCandidate(
    state,
    median,
    now,
  );
  return [phase, position, elapsed_ms, estimate_ms];
}

const QUEUED: Progress = { phase: "queued", index: 0, position: 3 };
const STARTED: Progress = { phase: "started", index: 0 };
const DRAWING: Progress = { phase: "drawing", index: 0 };
const FAILED: Progress = {
  phase: "failed",
  index: 0,
  failure: new ApiError("model_refused", "no"),
};

Deno.test("viewCandidate() tells the place in the queue while it waits, and no time", () => {
  const waiting = after([QUEUED, 1_000]);
  assertEquals(shown(waiting, undefined, 5_000), ["queued", 3, null, null]);
  assertEquals(shown(waiting, 700, 5_000), ["queued", 3, null, 700]);
});

Deno.test("viewCandidate() tells how long it has taken, and how long it may still take", () => {
  const drawing = after([QUEUED, 1_000], [STARTED, 2_000], [DRAWING, 4_000]);
  assertEquals(shown(drawing, undefined, 5_000), ["drawing", null, 3000, null]);
  assertEquals(shown(drawing, 10_000, 5_000), ["drawing", null, 3000, 7000]);
  assertEquals(shown(drawing, 2_500, 5_000), ["drawing", null, 3000, 0]);
});

Deno.test("viewCandidate() stops the time at the end", () => {
  const failed = after([STARTED, 2_000], [FAILED, 2_600]);
  assertEquals(shown(failed, 10_000, 9_000), ["failed", null, 600, null]);
});

Deno.test("viewCandidate() shows no negative time when the clock is set back", () => {
  assertEquals(shown(after([STARTED, 2_000]), 500, 1_000), [
    "started",
    null,
    0,
    500,
  ]);
});

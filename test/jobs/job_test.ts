import { assert } from "@std/assert";
import { Job } from "../../src/jobs/job.ts";
import type { JobRecord } from "../../src/jobs/job_store.ts";
import { setClock } from "../support/clock.ts";

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;

for (const days of [-1, 1]) {
  Deno.test(`Job.overForMs goes on when the clock is set by ${days} days`, () => {
    const job = jobOf({ status: "running" });
    job.complete({}, "completed");
    using _ = setClock(days * DAY_MS);
    assert(job.overForMs >= 0 && job.overForMs < SECOND_MS, `${job.overForMs}`);
  });
}

Deno.test("Job.overForMs counts the time since a former life, unless its clock was ahead", () => {
  const status = "completed";
  const now = Date.now();
  const early = jobOf({ status, endedAt: now - DAY_MS }).overForMs;
  const late = jobOf({ status, endedAt: now + DAY_MS }).overForMs;
  assert(early >= DAY_MS && early < DAY_MS + SECOND_MS, `${early}`);
  assert(late >= 0 && late < SECOND_MS, `${late}`);
});

function jobOf(differences: Partial<JobRecord>): Job {
  const record: JobRecord = {
    id: "gen_1",
    requestId: "one",
    status: "queued",
    createdAt: 0,
    request: {
      count: 1,
      requested_size: "auto",
      quality: "auto",
      output_format: "png",
      reference_count: 0,
    },
    candidates: [],
    lastEventId: 1,
  };
  return new Job({ ...record, ...differences }, () => undefined);
}

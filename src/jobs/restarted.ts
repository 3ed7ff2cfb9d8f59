import type { JobRecord } from "./job.ts";

/** What is said of a job that a restart has cut off. */
export const RESTARTED = {
  code: "server_restarted",
  message: "The server was restarted before the job was done",
} as const;

/** More events than a job can have told after its record was last written. */
const UNWRITTEN_EVENTS = 10_000;

/** Ends the record of a job that a former life of the server has left unfinished. */
export function endAfterRestart(record: JobRecord, now: number): JobRecord {
  if (record.status !== "queued" && record.status !== "running") return record;
  return {
    ...record,
    status: "failed",
    endedAt: now,
    failure: RESTARTED,
    // A new one for whoever reads on.
    lastEventId: record.lastEventId + UNWRITTEN_EVENTS,
    candidates: record.candidates.map((state) =>
      state.endedAt === undefined
        ? { index: state.index, phase: "failed", endedAt: now, ...RESTARTED }
        : state
    ),
  };
}

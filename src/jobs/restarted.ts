import type { JobRecord } from "./job_record.ts";

/** What is said of a job that a restart has cut off. */
export const RESTARTED = {
  code: "server_restarted",
  message: "The server was restarted before the job was done",
} as const;

/** More events than a job can have told after its record was last written. */
const UNWRITTEN_EVENTS = 10_000;

/** What an orderly end of the server has told those who waited. */
const STOPPED = "shutting_down";

/** Ends the record of a job that a former life of the server has left unfinished, or has ended because it ended itself. */
export function endAfterRestart(record: JobRecord, now: number): JobRecord {
  const { endedAt = now, failure, status } = record;
  const isUnfinished = status === "queued" || status === "running";
  if (!isUnfinished && failure?.code !== STOPPED) return record;
  return {
    ...record,
    status: "failed",
    endedAt,
    failure: RESTARTED,
    // A new one for whoever reads on.
    lastEventId: record.lastEventId + UNWRITTEN_EVENTS,
    candidates: record.candidates.map((state) =>
      state.endedAt === undefined || state.code === STOPPED
        ? { index: state.index, phase: "failed", endedAt, ...RESTARTED }
        : state
    ),
  };
}

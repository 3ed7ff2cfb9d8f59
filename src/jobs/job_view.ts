import { type CandidateView, viewCandidate } from "./candidate_state.ts";
import type { JobRecord, JobStatus, RequestSummary } from "./job_record.ts";

/** A job as callers see it. */
export interface JobView {
  readonly id: string;
  readonly object: "job";
  readonly status: JobStatus;
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly request: RequestSummary;
  readonly candidates: readonly CandidateView[];
  readonly answer: unknown;
  readonly error: JobFailureView | null;
}

/** A failure as callers see it. */
export interface JobFailureView {
  readonly code: string;
  readonly message: string;
  /** In how many seconds to try again, at least 1; null where nobody knows. */
  readonly retry_after: number | null;
}

/**
 * Shows a job to callers.
 *
 * @param median What recent candidates took, in milliseconds.
 */
export function viewJob(
  record: JobRecord,
  median: number | undefined,
): JobView {
  const { answer, candidates, createdAt, endedAt, id, request, status } =
    record;
  const now = Date.now();
  return {
    id,
    object: "job",
    status,
    created_at: new Date(createdAt).toISOString(),
    ended_at: endedAt === undefined ? null : new Date(endedAt).toISOString(),
    request,
    candidates: candidates.map((state) => viewCandidate(state, median, now)),
    answer: answer ?? null,
    error: viewFailure(record),
  };
}

/** Shows why a job has no answer; null where it has one, or none yet. */
export function viewFailure({ failure }: JobRecord): JobFailureView | null {
  if (failure === undefined) return null;
  const { code, message, retryAt } = failure;
  const retry_after = retryAt === undefined
    ? null
    : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return { code, message, retry_after };
}

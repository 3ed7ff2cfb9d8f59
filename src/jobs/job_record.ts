import type { OutputFormat, Quality } from "../contract/choices.ts";
import type { GenerateRequest } from "../contract/request.ts";
import { type CandidateState, newCandidate } from "./candidate_state.ts";

/** How a job stands. */
export type JobStatus =
  | "queued"
  | "running"
  | "completed"
  | "partial"
  | "failed"
  | "canceled";

/** Everything of a job that outlives the process. */
export interface JobRecord {
  /** `gen_…` */
  readonly id: string;
  readonly requestId: string;
  readonly status: JobStatus;
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  /** In milliseconds since 1970; undefined until it is done. */
  readonly endedAt?: number;
  /** What was asked, without the words. */
  readonly request: RequestSummary;
  readonly candidates: readonly CandidateState[];
  /** The id of the last event. */
  readonly lastEventId: number;
  /** The answer of the API, once there is one. */
  readonly answer?: unknown;
  /** Why there is none. */
  readonly failure?: JobFailure;
}

/** Why a job has no answer. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** When to try again, in milliseconds since 1970, where that is known. */
  readonly retryAt?: number;
}

/** A request without its words and pictures. */
export interface RequestSummary {
  readonly count: number;
  readonly requested_size: string;
  readonly quality: Quality;
  readonly output_format: OutputFormat;
  readonly reference_count: number;
}

/** Makes the record of a job that has just been asked for. */
export function newJobRecord(
  id: string,
  request: GenerateRequest,
  requestId: string,
): JobRecord {
  return {
    id,
    requestId,
    status: "queued",
    createdAt: Date.now(),
    request: {
      count: request.count,
      requested_size: request.requestedSize,
      quality: request.quality,
      output_format: request.outputFormat,
      reference_count: request.references.length,
    },
    candidates: Array.from(
      { length: request.count },
      (_, i) => newCandidate(i),
    ),
    lastEventId: 0,
  };
}

/** Whether nothing more will happen to a job that stands so. */
export function isOver(status: JobStatus): boolean {
  return status !== "queued" && status !== "running";
}

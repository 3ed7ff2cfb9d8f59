import type { OutputFormat, Quality } from "../contract/choices.ts";
import type { GenerateRequest } from "../contract/request.ts";
import type { Failure } from "../failure.ts";
import type { Progress } from "../generation/progress.ts";
import {
  advance,
  type CandidateState,
  type CandidateView,
  newCandidate,
  viewCandidate,
} from "./candidate_state.ts";
import { EventLog, type JobEvent } from "./event_log.ts";

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

/** A request on its way, which any number of callers may watch. */
export class Job {
  readonly events: EventLog;
  readonly #median: () => number | undefined;
  #record: JobRecord;

  /**
   * @param record Where it starts from, from {@linkcode newJobRecord} or from a former life.
   * @param median What recent candidates took, in milliseconds.
   */
  constructor(record: JobRecord, median: () => number | undefined) {
    this.#record = record;
    this.#median = median;
    const { lastEventId, status } = record;
    const over = isOver(status);
    // The outcome was the last event, and is told again as such.
    this.events = new EventLog(over ? lastEventId - 1 : lastEventId);
    if (over) this.#tellOutcome();
  }

  /** What is to be kept. */
  get record(): JobRecord {
    return { ...this.#record, lastEventId: this.events.lastId };
  }

  /** Whether nothing more will happen. */
  get over(): boolean {
    return isOver(this.#record.status);
  }

  /** Notes a step of a candidate; what is over takes no further one. */
  note(progress: Progress): void {
    const { endedAt } = this.#record.candidates[progress.index];
    if (this.over || endedAt !== undefined) return;
    const now = Date.now();
    const candidates = this.#record.candidates.map((state) =>
      state.index === progress.index ? advance(state, progress, now) : state
    );
    const waiting = candidates.every(({ phase }) => phase === "queued");
    const status = waiting ? "queued" : "running";
    this.#record = { ...this.#record, status, candidates };
    const state = candidates[progress.index];
    this.events.add("progress", viewCandidate(state, this.#median(), now));
  }

  /** Notes an image that has landed, as callers see it. */
  noteImage(image: unknown): void {
    this.events.add("image", image);
  }

  /** Ends the job with its answer. */
  complete(answer: unknown, status: "completed" | "partial"): void {
    this.#end({ status, answer });
  }

  /** Ends the job without an answer. */
  fail({ code, message, retryAfter }: Failure): void {
    const status = code === "request_canceled" ? "canceled" : "failed";
    const retryAt = retryAfter && Date.now() + retryAfter * 1000;
    this.#end({ status, failure: { code, message, retryAt } });
  }

  /** Shows the job to callers. */
  view(): JobView {
    const { id, status, createdAt, endedAt, request, candidates } =
      this.#record;
    const now = Date.now();
    return {
      id,
      object: "job",
      status,
      created_at: new Date(createdAt).toISOString(),
      ended_at: endedAt === undefined ? null : new Date(endedAt).toISOString(),
      request,
      candidates: candidates.map((state) =>
        viewCandidate(state, this.#median(), now)
      ),
      answer: this.#record.answer ?? null,
      error: viewFailure(this.#record),
    };
  }

  /** Reads the events; see {@linkcode EventLog.read}. */
  watch(after = 0): AsyncGenerator<JobEvent> {
    return this.events.read(after);
  }

  #end(outcome: Pick<JobRecord, "answer" | "failure" | "status">): void {
    this.#record = { ...this.#record, ...outcome, endedAt: Date.now() };
    this.#tellOutcome();
  }

  #tellOutcome(): void {
    const { answer } = this.#record;
    const failure = viewFailure(this.#record);
    if (failure === null) this.events.add("completed", answer);
    else this.events.add("error", failure);
    this.events.close();
  }
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

function isOver(status: JobStatus): boolean {
  return status !== "queued" && status !== "running";
}

function viewFailure({ failure }: JobRecord): JobFailureView | null {
  if (failure === undefined) return null;
  const { code, message, retryAt } = failure;
  const retry_after = retryAt === undefined
    ? null
    : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return { code, message, retry_after };
}

import { Failure, type FailureCode } from "../failure.ts";
import type { CallerOptions } from "./callers.ts";
import type { Job } from "./job.ts";
import type { JobUsage } from "./job_observer.ts";

/** The least that is known of an answer. */
export interface JobAnswer {
  readonly status: "completed" | "partial";
  readonly resolved_size: string;
  readonly data: readonly { readonly path: string }[];
  readonly usage: JobUsage;
}

/** A job and how to deal with it. */
export interface JobEntry<Answer> {
  readonly job: Job;
  /** Resolves with the answer; rejects with a {@linkcode Failure}. */
  readonly answer: Promise<Answer>;
  /** Whether it is being ended before it is done. */
  readonly ending: boolean;
  /** Adds somebody who waits for it. */
  attach(caller: CallerOptions): void;
  /** Ends it, or one of its candidates; what is over stays as it is. */
  cancel(index?: number): void;
}

/** Makes the entry of a job of a former life, which is over. */
export function overEntry<Answer>(job: Job): JobEntry<Answer> {
  const { answer, failure } = job.record;
  const outcome = failure === undefined
    // It was written by `describe`, in a former life.
    ? Promise.resolve(answer as Answer)
    : Promise.reject(new Failure(failure.code as FailureCode, failure.message));
  outcome.catch(() => {});
  return {
    job,
    answer: outcome,
    ending: false,
    attach: () => {},
    cancel: () => {},
  };
}

import type { Progress } from "../generation/progress.ts";
import type { JobRecord } from "./job_record.ts";

/** Tokens of the chat model, as answers tell them. */
export interface JobUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** Who is told of all jobs, beside those who wait for one. */
export interface JobObserver {
  /** Told of every step of every candidate. */
  onProgress(progress: Progress): void;
  /** Told when a job is over, and what it took where there is an answer. */
  onEnd(record: JobRecord, usage?: JobUsage): void;
}

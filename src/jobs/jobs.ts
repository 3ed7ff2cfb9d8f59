import type { GenerateRequest } from "../api/generate_request.ts";
import type { UnlinkedAnswer } from "../api/schemas.ts";
import { ApiError, type ErrorCode, toApiError } from "../errors.ts";
import type {
  FinishedCandidate,
  Generation,
  Progress,
} from "../generation/generation.ts";
import type { Durations, Generator } from "../generation/generator.ts";
import type { Log } from "../log.ts";
import { startStopwatch } from "../util.ts";
import { EventLog, Job, type JobEvent } from "./job.ts";
import {
  endAfterRestart,
  type JobFiles,
  type JobRecord,
  newJobRecord,
} from "./job_store.ts";
import { type SubscriberOptions, Subscribers } from "./subscribers.ts";

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

/** A job and how to deal with it. */
export interface JobEntry {
  readonly job: Job;
  /** Resolves with the answer; rejects with a {@linkcode ApiError}. */
  readonly answer: Promise<UnlinkedAnswer>;
  /** Whether it is being ended before it is done. */
  readonly ending: boolean;
  /** Adds somebody who waits for it. */
  attach(caller: SubscriberOptions): void;
  /** Ends it, or one of its candidates; what is over stays as it is. */
  cancel(index?: number): void;
}

/**
 * Makes the entry of a job that is over, maybe in a former life.
 *
 * It holds the record alone. The error that a job has failed with would hold the connection of its caller: its stack trace
 * keeps whatever was called.
 */
export function finishedEntry(job: Job): JobEntry {
  return {
    job,
    get answer() {
      return outcomeOf(job.record);
    },
    ending: false,
    attach: () => {},
    cancel: () => {},
  };
}

function outcomeOf({ answer, failure }: JobRecord): Promise<UnlinkedAnswer> {
  return failure === undefined
    // It was written by `describe`.
    ? Promise.resolve(answer as UnlinkedAnswer)
    : Promise.reject(new ApiError(failure.code as ErrorCode, failure.message));
}

/** How many finished jobs are kept at most. */
const MAX_KEPT = 1000;
/** How many events of all jobs are kept for readers that come back. */
const FEED_CAPACITY = 1000;
/** How many files that are no records are named in the log. */
const MAX_NAMED = 10;

/** What {@linkcode Jobs} work with. */
export interface JobsParts {
  readonly durations: Durations;
  readonly files: JobFiles;
  readonly generator: Generator;
  readonly log: Log;
  readonly observer: JobObserver;
  /** How long a finished job is kept, in milliseconds. */
  readonly keepMs: number;
  /** Writes the answer of the API. */
  readonly describe: (generation: Generation) => UnlinkedAnswer;
  /** Writes one image of it. */
  readonly describeImage: (candidate: FinishedCandidate) => unknown;
}

/** How a job is started. */
export interface StartOptions {
  /** The request's id in the log. */
  readonly requestId: string;
  /** Who waits for it; without anybody it goes on by itself, and waits for as long as it takes. */
  readonly caller: SubscriberOptions | undefined;
}

/** What is told of all jobs: `job` when one begins or ends, and between them its own events with its `job_id`. */
export type FeedEventType = "job" | JobEvent["type"];

/** All jobs: those under way, and for a while those that are over. */
export class Jobs {
  /** The latest events of all jobs since the start of the server. */
  readonly feed = new EventLog<FeedEventType>({ capacity: FEED_CAPACITY });
  readonly #parts: JobsParts;
  readonly #entries = new Map<string, JobEntry>();
  readonly #writing = new Set<Promise<void>>();
  /** Not made where a job is started, or the job would hold all that is there for as long as it is kept. */
  readonly #median = () => this.#parts.durations.median;

  private constructor(parts: JobsParts) {
    this.#parts = parts;
  }

  /** Reads the jobs of a former life; those it did not finish have failed. */
  static async open(
    parts: JobsParts,
  ): Promise<Jobs> {
    const jobs = new Jobs(parts);
    const { records, unusable } = await parts.files.readAll();
    if (unusable.length > 0) {
      parts.log("warn", "job.unusable_files", {
        count: unusable.length,
        files: unusable.slice(0, MAX_NAMED),
      });
    }
    for (const former of records.toSorted(byCreation)) {
      const record = endAfterRestart(former, Date.now());
      const job = new Job(record, jobs.#median);
      jobs.#entries.set(record.id, finishedEntry(job));
      if (record !== former) jobs.#keep(job);
    }
    jobs.#prune();
    return jobs;
  }

  /** The jobs, newest first. */
  get all(): readonly Job[] {
    this.#prune();
    return [...this.#entries.values()].map(({ job }) => job).reverse();
  }

  /** Finds a job. */
  get(id: string): JobEntry | undefined {
    this.#prune();
    return this.#entries.get(id);
  }

  /**
   * Starts a job.
   *
   * @throws {ApiError} The request is not accepted: the queue is full, a reference is bad, there is no login.
   */
  async start(
    request: GenerateRequest,
    { caller, requestId }: StartOptions,
  ): Promise<JobEntry> {
    this.#prune();
    const id = `gen_${crypto.randomUUID()}`;
    const job = new Job(newJobRecord(id, request, requestId), this.#median);
    const ending = new AbortController();
    const endings = job.record.candidates.map(() => new AbortController());
    const callers = new Subscribers((reason) => ending.abort(reason));
    if (caller === undefined) callers.detach();
    else callers.add(caller);
    const admitted = Promise.withResolvers<void>();
    const answer = this.#run(request, job, {
      id,
      requestId,
      signal: ending.signal,
      candidateSignals: endings.map(({ signal }) => signal),
      waitForQuota: caller === undefined,
      onAdmitted: (summary) => {
        job.admit(summary);
        admitted.resolve();
      },
      onProgress: (progress) => {
        job.note(progress);
        this.#parts.observer.onProgress(progress);
        if (progress.phase !== "saved") return;
        job.noteImage(this.#parts.describeImage(progress.candidate));
        this.#keep(job);
      },
    }).finally(() => callers.close());
    // Nobody has to wait for the answer; its failure is in the record.
    answer.catch(() => {});
    await Promise.race([admitted.promise, answer]);
    const entry: JobEntry = {
      job,
      answer,
      get ending() {
        return ending.signal.aborted;
      },
      attach: (caller) => job.finished || callers.add(caller),
      cancel: (index) => {
        const controller = index === undefined ? ending : endings[index];
        controller?.abort(
          new ApiError("request_canceled", "The job was canceled"),
        );
      },
    };
    this.#entries.set(id, job.finished ? finishedEntry(job) : entry);
    this.#keep(job);
    void this.#tell(job);
    return entry;
  }

  /** Resolves when everything is written. */
  async idle(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  async #run(
    request: GenerateRequest,
    job: Job,
    context: Parameters<Generator["generate"]>[1],
  ): Promise<UnlinkedAnswer> {
    const { describe, generator, log, observer } = this.#parts;
    const duration = startStopwatch();
    const fields = { request_id: context.requestId, job: context.id };
    log("info", "generate.start", {
      ...fields,
      prompt_length: request.prompt.length,
      reference_count: request.references.length,
      requested_size: request.requestedSize,
      quality: request.quality,
      count: request.count,
    });
    try {
      const answer = describe(await generator.generate(request, context));
      job.complete(answer, answer.status);
      observer.onEnd(job.record, answer.usage);
      log("info", "generate.success", {
        ...fields,
        status: answer.status,
        resolved_size: answer.resolved_size,
        count: answer.data.length,
        duration_ms: duration(),
        paths: answer.data.map(({ path }) => path),
      });
      return answer;
    } catch (error) {
      const failure = toApiError(error);
      const { code } = failure;
      job.fail(failure);
      observer.onEnd(job.record);
      const canceled = code === "request_canceled";
      const event = canceled ? "generate.abort" : "generate.error";
      const duration_ms = duration();
      log(canceled ? "info" : "warn", event, { ...fields, code, duration_ms });
      throw error;
    } finally {
      if (this.#entries.has(context.id)) {
        this.#entries.set(context.id, finishedEntry(job));
        this.#keep(job);
      }
    }
  }

  async #tell(job: Job): Promise<void> {
    const job_id = job.record.id;
    this.feed.add("job", job.view());
    for await (const { data, type } of job.watch()) {
      this.feed.add(type, { job_id, ...data as object });
    }
    this.feed.add("job", job.view());
  }

  #keep(job: Job): void {
    const written = this.#parts.files.write(job.record).catch((error) => {
      this.#parts.log("error", "job.write_failed", {
        job: job.record.id,
        reason: String(error),
      });
    });
    this.#writing.add(written);
    written.finally(() => this.#writing.delete(written));
  }

  #prune(): void {
    const { files, keepMs, log } = this.#parts;
    const finished = [...this.#entries.values()].filter(({ job }) =>
      job.finished
    );
    const tooMany = finished.length - MAX_KEPT;
    for (const [index, { job }] of finished.entries()) {
      if (index >= tooMany && job.overForMs <= keepMs) continue;
      const { id } = job.record;
      this.#entries.delete(id);
      files.remove(id).catch((error) => {
        log("error", "job.remove_failed", { job: id, reason: String(error) });
      });
    }
  }
}

function byCreation(a: JobRecord, b: JobRecord): number {
  return a.createdAt - b.createdAt;
}

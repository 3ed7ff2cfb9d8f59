import type { RequestSummary } from "../api/request_summary.ts";
import type { CandidateView, JobFailureView, JobView } from "../api/schemas.ts";
import type { ApiError } from "../errors.ts";
import type { Progress } from "../generation/generation.ts";
import {
  type CandidateState,
  isFinished,
  type JobRecord,
} from "./job_store.ts";

/** One thing that happened. */
export interface LoggedEvent<Type extends string> {
  /** Counts the events of the log from 1, those of a former life of the server too. */
  readonly id: number;
  /** What happened. */
  readonly type: Type;
  /** What there is to tell of it. */
  readonly data: unknown;
}

/** One thing that happened to a job. */
export type JobEvent = LoggedEvent<
  "progress" | "image" | "completed" | "error"
>;

/** How an {@linkcode EventLog} begins and what it keeps. */
export interface EventLogOptions {
  /** How many events there were in a former life, of which nothing is known any more; 0 when left out. */
  readonly told?: number;
  /** How many events are kept, the newest; all when left out. */
  readonly capacity?: number;
}

/** Events for any number of readers, each from where it likes. */
export class EventLog<Type extends string> {
  readonly #capacity: number;
  readonly #events: LoggedEvent<Type>[] = [];
  #closed = false;
  #change = Promise.withResolvers<void>();
  /** How many events are not kept. */
  #told: number;

  /** @param options How it begins and what it keeps. */
  constructor({ capacity = Infinity, told = 0 }: EventLogOptions = {}) {
    this.#capacity = capacity;
    this.#told = told;
  }

  /** The id of the last event, 0 without any. */
  get lastId(): number {
    return this.#told + this.#events.length;
  }

  /** Adds an event. */
  add(type: Type, data: unknown): void {
    this.#events.push({ id: this.lastId + 1, type, data });
    if (this.#events.length > this.#capacity) {
      this.#events.shift();
      this.#told++;
    }
    this.#wake();
  }

  /** Says that nothing will follow. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Tells whether everything that followed an event can still be read. */
  holdsAfter(id: number): boolean {
    return id >= this.#told && id <= this.lastId;
  }

  /**
   * Reads the events, those of the past at once, until the log is closed.
   *
   * @param after The id of the last event that the reader has; 0, or one that there never was, for all that are kept.
   */
  async *read(after = 0): AsyncGenerator<LoggedEvent<Type>> {
    let last = after > this.lastId ? 0 : after;
    while (true) {
      while (last < this.lastId) {
        last = Math.max(last, this.#told) + 1;
        yield this.#events[last - this.#told - 1];
      }
      if (this.#closed) return;
      await this.#change.promise;
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

/**
 * Takes a candidate one step further.
 *
 * @param now In milliseconds since 1970.
 */
export function advance(
  state: CandidateState,
  progress: Progress,
  now: number,
): CandidateState {
  const { index, phase } = progress;
  const startedAt = state.startedAt ?? (phase === "queued" ? undefined : now);
  switch (phase) {
    case "queued":
      return {
        index,
        phase,
        position: progress.position,
        paused: progress.paused,
      };
    case "started":
    case "drawing":
      return { index, phase, startedAt };
    case "saved": {
      const imageId = progress.candidate.image.sidecar.id;
      return { index, phase, startedAt, endedAt: now, imageId };
    }
    default: {
      const { code, message } = progress.failure;
      return { index, phase, startedAt, endedAt: now, code, message };
    }
  }
}

/** Shows to callers what a job or a candidate waits for, beside its turn. */
export function viewWaiting(
  paused: CandidateState["paused"],
): JobView["waiting"] {
  if (paused === undefined) return null;
  const { code, until } = paused;
  return { code, until: new Date(until).toISOString() };
}

/**
 * Shows a candidate to callers.
 *
 * @param median What recent candidates took, in milliseconds.
 * @param now In milliseconds since 1970.
 */
export function viewCandidate(
  state: CandidateState,
  median: number | undefined,
  now: number,
): CandidateView {
  const { startedAt, endedAt } = state;
  // Somebody may have set the clock back.
  const elapsed = startedAt === undefined
    ? null
    : Math.max(0, (endedAt ?? now) - startedAt);
  const estimate = median === undefined || endedAt !== undefined
    ? null
    : Math.max(0, median - (elapsed ?? 0));
  return {
    index: state.index,
    phase: state.phase,
    position: state.position ?? null,
    waiting: viewWaiting(state.paused),
    elapsed_ms: elapsed,
    estimate_ms: estimate,
    image_id: state.imageId ?? null,
    code: state.code ?? null,
    message: state.message ?? null,
  };
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
    waiting: viewWaiting(candidates.find(({ paused }) => paused)?.paused),
    candidates: candidates.map((state) => viewCandidate(state, median, now)),
    // It was written by `describe`, maybe in a previous run.
    answer: (answer as JobView["answer"]) ?? null,
    error: viewError(record),
  };
}

/** Shows why a job has no answer; null where it has one, or none yet. */
export function viewError({ failure }: JobRecord): JobFailureView | null {
  if (failure === undefined) return null;
  const { code, message, retryAt } = failure;
  const retry_after = retryAt === undefined
    ? null
    : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return { code, message, retry_after };
}

/** How many events of a job are kept: in a long queue there is one for each place that it moves up. */
const MAX_EVENTS = 100;

/** A request on its way, which any number of callers may watch. */
export class Job {
  readonly events: EventLog<JobEvent["type"]>;
  readonly #median: () => number | undefined;
  #record: JobRecord;
  /** When it was over, by `performance.now()`: somebody may set the clock while it is kept. */
  #overAt: number | undefined;

  /**
   * @param record Where it starts from, from {@linkcode newJobRecord} or from a former life.
   * @param median What recent candidates took, in milliseconds.
   */
  constructor(record: JobRecord, median: () => number | undefined) {
    this.#record = record;
    this.#median = median;
    const { endedAt = 0, lastEventId, status } = record;
    const finished = isFinished(status);
    // The outcome was the last event, and is told again as such.
    this.events = new EventLog({
      capacity: MAX_EVENTS,
      told: finished ? lastEventId - 1 : lastEventId,
    });
    if (!finished) return;
    const age = Math.max(0, Date.now() - endedAt);
    this.#overAt = performance.now() - age;
    this.#tellOutcome();
  }

  /** What is to be kept. */
  get record(): JobRecord {
    return { ...this.#record, lastEventId: this.events.lastId };
  }

  /** Whether nothing more will happen. */
  get finished(): boolean {
    return isFinished(this.#record.status);
  }

  /** For how long it has been over, in milliseconds; 0 while it is under way. */
  get overForMs(): number {
    const now = performance.now();
    return now - (this.#overAt ?? now);
  }

  /** Notes what is kept of the request, once it is accepted. */
  admit(summary: RequestSummary): void {
    const request = { ...this.#record.request, ...summary };
    this.#record = { ...this.#record, request };
  }

  /** Notes a step of a candidate; what is over takes no further one. */
  note(progress: Progress): void {
    const { endedAt } = this.#record.candidates[progress.index];
    if (this.finished || endedAt !== undefined) return;
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
  fail({ code, message, retryAfter }: ApiError): void {
    const status = code === "request_canceled" ? "canceled" : "failed";
    const retryAt = retryAfter && Date.now() + retryAfter * 1000;
    this.#end({ status, failure: { code, message, retryAt } });
  }

  /** Shows the job to callers. */
  view(): JobView {
    return viewJob(this.#record, this.#median());
  }

  /** Reads the events; see {@linkcode EventLog.read}. */
  async *watch(after = 0): AsyncGenerator<JobEvent> {
    for await (const event of this.events.read(after)) {
      // In how many seconds to try again depends on when it is told.
      const isError = event.type === "error";
      yield isError ? { ...event, data: viewError(this.#record) } : event;
    }
  }

  #end(outcome: Pick<JobRecord, "answer" | "failure" | "status">): void {
    this.#record = { ...this.#record, ...outcome, endedAt: Date.now() };
    this.#overAt = performance.now();
    this.#tellOutcome();
  }

  #tellOutcome(): void {
    const { answer, failure } = this.#record;
    if (failure === undefined) this.events.add("completed", answer);
    else this.events.add("error", failure);
    this.events.close();
  }
}

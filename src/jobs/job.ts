import type { Failure } from "../failure.ts";
import type { Progress } from "../generation/progress.ts";
import { advance, viewCandidate } from "./candidate_state.ts";
import { EventLog, type JobEvent } from "./event_log.ts";
import { isOver, type JobRecord } from "./job_record.ts";
import { type JobView, viewFailure, viewJob } from "./job_view.ts";

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
    return viewJob(this.#record, this.#median());
  }

  /** Reads the events; see {@linkcode EventLog.read}. */
  async *watch(after = 0): AsyncGenerator<JobEvent> {
    for await (const event of this.events.read(after)) {
      // In how many seconds to try again depends on when it is told.
      const isError = event.type === "error";
      yield isError ? { ...event, data: viewFailure(this.#record) } : event;
    }
  }

  #end(outcome: Pick<JobRecord, "answer" | "failure" | "status">): void {
    this.#record = { ...this.#record, ...outcome, endedAt: Date.now() };
    this.#tellOutcome();
  }

  #tellOutcome(): void {
    const { answer, failure } = this.#record;
    if (failure === undefined) this.events.add("completed", answer);
    else this.events.add("error", failure);
    this.events.close();
  }
}

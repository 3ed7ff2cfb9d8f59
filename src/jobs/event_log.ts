/** One thing that happened to a job. */
export interface JobEvent {
  /** Counts the job's events from 1, those of a former life of the server too. */
  readonly id: number;
  /** What happened. */
  readonly type: "progress" | "image" | "completed" | "error";
  /** What there is to tell of it. */
  readonly data: unknown;
}

/** The events of one job, for any number of readers, each from where it likes. */
export class EventLog {
  readonly #events: JobEvent[] = [];
  readonly #told: number;
  #closed = false;
  #change = Promise.withResolvers<void>();

  /** @param told How many events there were in a former life, of which nothing is known any more. */
  constructor(told = 0) {
    this.#told = told;
  }

  /** The id of the last event, 0 without any. */
  get lastId(): number {
    return this.#told + this.#events.length;
  }

  /** Adds an event. */
  add(type: JobEvent["type"], data: unknown): void {
    this.#events.push({ id: this.lastId + 1, type, data });
    this.#wake();
  }

  /** Says that nothing will follow. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /**
   * Reads the events, those of the past at once, until the log is closed.
   *
   * @param after The id of the last event that the reader has; 0, or one that there never was, for all.
   */
  async *read(after = 0): AsyncGenerator<JobEvent> {
    let next = after > this.lastId ? 0 : Math.max(0, after - this.#told);
    while (true) {
      while (next < this.#events.length) yield this.#events[next++];
      if (this.#closed) return;
      await this.#change.promise;
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

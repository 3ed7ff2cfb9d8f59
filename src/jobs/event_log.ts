/** One thing that happened to a job. */
export interface JobEvent {
  /** Counts the job's events from 1. */
  readonly id: number;
  /** What happened. */
  readonly type: "progress" | "image" | "completed" | "error";
  /** What there is to tell of it. */
  readonly data: unknown;
}

/** The events of one job, for any number of readers, each from where it likes. */
export class EventLog {
  readonly #events: JobEvent[] = [];
  #closed = false;
  #change = Promise.withResolvers<void>();

  /** Adds an event. */
  add(type: JobEvent["type"], data: unknown): void {
    this.#events.push({ id: this.#events.length + 1, type, data });
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
   * @param after The id of the last event that the reader has; 0 for all.
   */
  async *read(after = 0): AsyncGenerator<JobEvent> {
    let next = Math.max(0, after);
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

/** How a caller leaves a job. */
export interface SubscriberOptions {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** How long a job without callers waits for one to come back, in milliseconds; 0 ends it at once. */
  readonly gracePeriodMs?: number;
}

/** Who waits for a job: when the last one is gone, nobody wants it any more. */
export class Subscribers {
  readonly #abandon: (reason: unknown) => void;
  readonly #leaving = new Set<() => void>();
  #count = 0;
  #independent = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param abandon Called when the last caller is gone, with the reason. */
  constructor(abandon: (reason: unknown) => void) {
    this.#abandon = abandon;
  }

  /** Lets the job go on without anybody. */
  detach(): void {
    this.#independent = true;
  }

  /** Adds a caller, until its signal is aborted. */
  add({ signal, gracePeriodMs = 0 }: SubscriberOptions): void {
    clearTimeout(this.#timer);
    this.#count++;
    const leave = () => {
      this.#leaving.delete(stop);
      this.#count--;
      if (this.#count > 0 || this.#independent) return;
      if (gracePeriodMs === 0) return this.#abandon(signal.reason);
      this.#timer = setTimeout(
        () => this.#abandon(signal.reason),
        gracePeriodMs,
      );
    };
    const stop = () => signal.removeEventListener("abort", leave);
    this.#leaving.add(stop);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  }

  /** Lets go of everybody: the job is over. */
  close(): void {
    clearTimeout(this.#timer);
    for (const stop of this.#leaving) stop();
    this.#leaving.clear();
  }
}

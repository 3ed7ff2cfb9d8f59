/** Lets a limited number of tasks run at once, first come first served. */
export class Turns {
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #free: number;

  /** @param max How many tasks may run at once */
  constructor(max: number) {
    this.#free = max;
  }

  /**
   * Runs a task as soon as it is its turn.
   *
   * @param signal Takes the task out of the queue; once it runs, it runs to its end
   * @throws The signal's reason, or what the task throws
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
    } else {
      await this.#wait(signal);
    }
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn);
    const giveUp = () => {
      const index = this.#waiting.indexOf(turn);
      // The turn may have come in the same moment; then it is taken.
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      turn.reject(signal?.reason);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#free++;
    } else {
      next.resolve();
    }
  }
}

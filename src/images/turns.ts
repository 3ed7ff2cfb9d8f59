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
   * @throws What the task throws
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free--;
    } else {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn);
      await turn.promise;
    }
    try {
      return await task();
    } finally {
      this.#leave();
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

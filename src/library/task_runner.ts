/** Work that goes on beside requests, until it is disposed of. */
export class TaskRunner implements AsyncDisposable {
  readonly #closing = new AbortController();
  readonly #onError: (error: unknown) => void;
  readonly #work = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  /** @param onError Called with what a task throws, except at the end. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Aborted when all work has to end. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Runs a task at once; resolves when it is over, whether it failed or not. */
  run(task: () => Promise<void>): Promise<void> {
    const work = task().catch((error) => {
      if (!this.signal.aborted) this.#onError(error);
    });
    this.#work.add(work);
    return work.finally(() => this.#work.delete(work));
  }

  /** Runs a task after all that were called with this method before. */
  runNext(task: () => Promise<void>): Promise<void> {
    const last = this.#last;
    this.#last = this.run(() => last.then(task));
    return this.#last;
  }

  /** Calls a function again and again. */
  every(milliseconds: number, call: () => void): void {
    const timer = setInterval(call, milliseconds);
    this.signal.addEventListener("abort", () => clearInterval(timer), {
      once: true,
    });
  }

  /** Ends all work. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#work);
  }
}

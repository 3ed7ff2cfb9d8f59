/** Somebody who waits for a share. */
interface Waiter {
  readonly pixels: number;
  readonly resolve: () => void;
}

/**
 * Shares out how many pixels the workers that run at once may decode, first come first served.
 *
 * The CLI decodes the references of a worker one after the other, so that the largest decides: with the pinned version
 * 100 million pixels took 0.6 GB in grey, 0.9 GB with an alpha channel and 1.1 GB with 16 bits a channel.
 */
export class PixelBudget {
  readonly #max: number;
  readonly #waiting: Waiter[] = [];
  #taken = 0;

  /** @param max How many pixels there are to share out. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Waits for a share; its disposal gives it back.
   *
   * @param pixels How large it is; one that is larger than all there is takes everything.
   * @param signal Gives the wait up, with its reason.
   */
  async take(pixels: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const share = Math.min(pixels, this.#max);
    // Who needs none has nothing to wait for.
    if (share > 0) await this.#wait(share, signal);
    return {
      [Symbol.dispose]: () => {
        this.#taken -= share;
        this.#serve();
      },
    };
  }

  async #wait(pixels: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { pixels, resolve };
    const leave = () => {
      const place = this.#waiting.indexOf(waiter);
      // It has its share already, and whoever got it sees the signal.
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      reject(signal.reason);
      this.#serve();
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiting.push(waiter);
    this.#serve();
    await promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const { pixels, resolve } = this.#waiting[0];
      if (this.#taken + pixels > this.#max) return;
      this.#taken += pixels;
      this.#waiting.shift();
      resolve();
    }
  }
}

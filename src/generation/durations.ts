/** How many durations are remembered. */
const REMEMBERED = 50;

/** The durations of recent candidates, from which the next ones are estimated. */
export class Durations {
  readonly #recent: number[] = [];

  /** Adds the duration of a finished candidate, in milliseconds. */
  add(ms: number): void {
    this.#recent.push(ms);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  /** The median, in milliseconds; undefined before the first candidate has finished. */
  get median(): number | undefined {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

import { Failure } from "../failure.ts";

/** When to ask for a place again, in seconds. */
const RETRY_SECONDS = 5;

/** Hands out a limited number of places for answers that are streams of events. */
export class StreamPlaces {
  readonly #max: number;
  #taken = 0;

  /** @param max How many there are. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Takes a place; its disposal gives it back.
   *
   * @throws {Failure} `queue_full`: there is none.
   */
  take(): DisposableStack {
    if (this.#taken >= this.#max) {
      throw new Failure(
        "queue_full",
        `Cannot open a stream of events: all ${this.#max} places are taken`,
        { retryAfter: RETRY_SECONDS },
      );
    }
    this.#taken++;
    const place = new DisposableStack();
    place.defer(() => this.#taken--);
    return place;
  }
}

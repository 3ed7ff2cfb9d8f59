import { abortable } from "@std/async/abortable";
import { ApiError } from "../errors.ts";

/** How many workers there may be. */
export interface FairQueueOptions {
  /** How many may run at once. */
  readonly max: number;
  /** How many may wait. */
  readonly maxQueue: number;
  /** How soon a full queue may have room again, in seconds; 30 when left out. */
  readonly retryAfter?: () => number;
}

/** How busy the workers are. */
export interface Load {
  /** Places taken. */
  readonly active: number;
  /** Places there are. */
  readonly max: number;
  /** Candidates that wait. */
  readonly queued: number;
  /** Candidates that may wait. */
  readonly queueMax: number;
  /** Until when nothing is started, in milliseconds since 1970. */
  readonly pausedUntil: number | undefined;
}

/** How places are reserved. */
export interface ReserveOptions {
  /** Whether to wait while the queue is paused, instead of failing with what paused it. */
  readonly waitForQuota?: boolean;
}

/** A place among the workers, or in the queue for one. */
export interface Reservation {
  /**
   * Waits for the place.
   *
   * @param onMove Told of the place in the queue, from 1, at once and when it changes.
   * @throws The signal's reason, or the failure that paused the queue.
   */
  ready(
    signal: AbortSignal,
    onMove?: (position: number) => void,
  ): Promise<void>;
  /** Gives the place back, or leaves the queue; a second call does nothing. */
  release(): void;
}

interface Place {
  readonly granted: PromiseWithResolvers<void>;
  readonly waitForQuota: boolean;
  state: "waiting" | "active" | "released";
  position: number;
  onMove: (position: number) => void;
}

interface Pause {
  readonly until: number;
  readonly failure: ApiError;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Hands out a limited number of places.
 *
 * Requests take turns: each gets one place, then the next request is up, so that a request for four
 * does not make others wait for all four.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  /** Waiting places by request, in the order of their turns. */
  #queue: Place[][] = [];
  #active = 0;
  #pause: Pause | undefined;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** How busy the workers are. */
  get load(): Load {
    return {
      active: this.#active,
      max: this.#options.max,
      queued: this.#queue.flat().length,
      queueMax: this.#options.maxQueue,
      pausedUntil: this.#pause?.until,
    };
  }

  /**
   * Reserves several places at once, or none.
   *
   * @throws {ApiError} `queue_full`, `invalid_count` where there will never be room, or what paused the queue where there is
   * no patience.
   */
  reserve(count: number, options: ReserveOptions = {}): Reservation[] {
    if (this.#pause !== undefined && !options.waitForQuota) {
      throw remaining(this.#pause);
    }
    this.#requireRoom(count);
    const places = Array.from({ length: count }, (): Place => ({
      granted: Promise.withResolvers(),
      waitForQuota: options.waitForQuota ?? false,
      state: "waiting",
      position: 0,
      onMove: () => {},
    }));
    // Whoever gave up waiting is not there to be told.
    for (const { granted } of places) granted.promise.catch(() => {});
    this.#queue.push([...places]);
    this.#advance();
    return places.map((place) => ({
      ready: (signal, onMove) => {
        if (onMove !== undefined) place.onMove = onMove;
        if (place.state === "waiting") place.onMove(place.position);
        return abortable(place.granted.promise, signal);
      },
      release: () => this.#release(place),
    }));
  }

  /**
   * Starts nothing more for a while; who does not wait for quota fails.
   *
   * @param until In milliseconds since 1970; an earlier time than that of a pause under way changes nothing.
   * @param failure What the others are told.
   */
  pause(until: number, failure: ApiError): void {
    if (until <= (this.#pause?.until ?? Date.now())) return;
    clearTimeout(this.#pause?.timer);
    // Longer timers than 24 days overflow; a limit is never that long.
    const ms = Math.min(until - Date.now(), 2 ** 31 - 1);
    const timer = setTimeout(() => this.resume(), ms);
    this.#pause = { until, failure, timer };
    for (
      const place of this.#queue.flat().filter(({ waitForQuota }) =>
        !waitForQuota
      )
    ) {
      place.granted.reject(failure);
      this.#release(place);
    }
  }

  /** Forgets a pause without starting anything, at the end of the server. */
  close(): void {
    clearTimeout(this.#pause?.timer);
  }

  /** Ends a pause. */
  resume(): void {
    clearTimeout(this.#pause?.timer);
    this.#pause = undefined;
    this.#advance();
  }

  #requireRoom(count: number): void {
    const { max, maxQueue, retryAfter } = this.#options;
    // No waiting would ever help.
    if (count > max + maxQueue) {
      throw new ApiError(
        "invalid_count",
        `Cannot take ${count} at once: expected at most ${
          max + maxQueue
        }, for so many workers and places in the queue there are`,
      );
    }
    const queued = this.#queue.flat().length;
    const free = this.#pause === undefined ? max - this.#active : 0;
    if (count <= free + maxQueue - queued) return;
    throw new ApiError(
      "queue_full",
      `Cannot take ${count} more: ${this.#active} of ${max} workers are busy and ${queued} of ${maxQueue} places in the queue are taken`,
      { retryAfter: retryAfter?.() ?? 30 },
    );
  }

  #advance(): void {
    while (this.#active < this.#options.max && this.#pause === undefined) {
      const round = this.#queue.shift();
      const place = round?.shift();
      if (round === undefined || place === undefined) break;
      if (round.length > 0) this.#queue.push(round);
      place.state = "active";
      this.#active++;
      place.granted.resolve();
    }
    for (const [index, place] of inTurn(this.#queue).entries()) {
      if (place.position === index + 1) continue;
      place.position = index + 1;
      place.onMove(place.position);
    }
  }

  #release(place: Place): void {
    if (place.state === "waiting") {
      this.#queue = this.#queue
        .map((round) => round.filter((waiting) => waiting !== place))
        .filter((round) => round.length > 0);
    }
    if (place.state === "active") this.#active--;
    place.state = "released";
    this.#advance();
  }
}

// What paused the queue, with the time that is left by now.
function remaining({ failure, until }: Pause): ApiError {
  const retryAfter = Math.max(1, Math.ceil((until - Date.now()) / 1000));
  return new ApiError(failure.code, failure.message, { retryAfter });
}

// The order in which places come up: everybody's first, then everybody's second.
function inTurn(queue: readonly (readonly Place[])[]): Place[] {
  const rounds = Math.max(0, ...queue.map((turn) => turn.length));
  return Array.from({ length: rounds }).flatMap((_, round) =>
    queue.flatMap((turn) => turn.slice(round, round + 1))
  );
}

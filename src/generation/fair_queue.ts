import { abortable } from "@std/async/abortable";
import { ApiError, type ErrorCode } from "../errors.ts";

/** How often a pause is held against the clock and the login, in milliseconds. */
const CHECK_MS = 1_000;
/** How often a pause is tried, in milliseconds, where nothing else is set. */
const PROBE_MS = 300_000;
/** Up to which place in the queue every change is told. */
const NEAR = 32;
/** Of which part of a place further back a change is told, for each start of a worker changes all places. */
const TOLD_CHANGE = 1 / 8;

/** How many workers there may be. */
export interface FairQueueOptions {
  /** How many may run at once. */
  readonly max: number;
  /** How many may wait. */
  readonly maxQueue: number;
  /** How soon a full queue may have room again, in seconds; 30 when left out. */
  readonly retryAfter?: () => number;
  /** How often one candidate is let through to try whether a pause is still true, in milliseconds; five minutes when left out. */
  readonly probeMs?: number;
  /** Tells one login from another: a pause ends when it changes. */
  readonly loginId?: () => Promise<string>;
}

/** What the queue waits for. */
export interface QueuePause {
  /** What paused it. */
  readonly code: ErrorCode;
  /** Until when, in milliseconds since 1970. */
  readonly until: number;
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
  /** Why nothing is started; undefined where everything is. */
  readonly paused: QueuePause | undefined;
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
   * @param onMove Told of the place in the queue, from 1, and of what the queue waits for, at once and when one changes; of a
   * place far back when it has changed by much.
   * @throws The signal's reason, or the failure that paused the queue.
   */
  ready(
    signal: AbortSignal,
    onMove?: OnMove,
  ): Promise<void>;
  /** Says that the place has been of use: a pause that it was let through to try is over. */
  succeed(): void;
  /** Gives the place back, or leaves the queue; a second call does nothing. */
  release(): void;
}

/** Told of a place in the queue, from 1, and of what the queue waits for. */
export type OnMove = (position: number, paused?: QueuePause) => void;

interface Place {
  readonly granted: PromiseWithResolvers<void>;
  readonly waitForQuota: boolean;
  /** Those of the same request that wait. */
  readonly round: Place[];
  state: "waiting" | "active" | "released";
  /** The place in the queue that was told. */
  position: number;
  paused: QueuePause | undefined;
  onMove: OnMove;
}

interface Pause extends QueuePause {
  readonly failure: ApiError;
  /** The login that it holds for, as soon as that is known. */
  readonly loginId: Promise<string> | undefined;
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
  readonly #queue: Place[][] = [];
  #active = 0;
  #waiting = 0;
  #pause: Pause | undefined;
  #probe: Place | undefined;
  /** When the pause was last told or tried, in milliseconds since 1970. */
  #probedAt = 0;
  #checking: ReturnType<typeof setInterval> | undefined;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** How busy the workers are. */
  get load(): Load {
    return {
      active: this.#active,
      max: this.#options.max,
      queued: this.#waiting,
      queueMax: this.#options.maxQueue,
      paused: this.#paused,
    };
  }

  get #paused(): QueuePause | undefined {
    if (this.#pause === undefined) return undefined;
    const { code, until } = this.#pause;
    return { code, until };
  }

  /**
   * Reserves several places at once, or none.
   *
   * @throws {ApiError} `queue_full`, `invalid_count` where there will never be room, or what paused the queue where there is
   * no patience.
   */
  reserve(count: number, options: ReserveOptions = {}): Reservation[] {
    const { waitForQuota = false } = options;
    if (this.#pause !== undefined && !waitForQuota && !this.#isProbeDue()) {
      throw remaining(this.#pause);
    }
    this.#requireRoom(count);
    const round: Place[] = [];
    const places = Array.from({ length: count }, (): Place => ({
      granted: Promise.withResolvers(),
      waitForQuota,
      round,
      state: "waiting",
      position: 0,
      paused: undefined,
      onMove: () => {},
    }));
    // Whoever gave up waiting is not there to be told.
    for (const { granted } of places) granted.promise.catch(() => {});
    round.push(...places);
    this.#queue.push(round);
    this.#waiting += count;
    this.#advance();
    return places.map((place) => ({
      ready: (signal, onMove) => {
        if (onMove !== undefined) place.onMove = onMove;
        if (place.state === "waiting") {
          place.onMove(place.position, place.paused);
        }
        return abortable(place.granted.promise, signal);
      },
      succeed: () => {
        if (place === this.#probe) this.resume();
      },
      release: () => this.#release(place),
    }));
  }

  /**
   * Starts nothing more for a while; who does not wait for quota fails.
   *
   * @param until In milliseconds since 1970; an earlier time than that of a pause under way changes nothing, unless it comes
   * of a candidate that was let through to try.
   * @param failure What the others are told.
   */
  pause(until: number, failure: ApiError): void {
    const known = this.#probe === undefined ? this.#pause?.until : undefined;
    if (until <= (known ?? Date.now())) return;
    const { code } = failure;
    const loginId = this.#options.loginId?.();
    this.#pause = { until, code, failure, loginId };
    this.#probedAt = Date.now();
    // One long timer would not see the clock being set, nor the machine sleeping.
    this.#checking ??= setInterval(() => this.recheck(), CHECK_MS);
    this.#failImpatient(failure);
    this.#advance();
  }

  /**
   * Ends a pause whose time is over or whose login is another one by now, and lets a candidate through where it is time to try.
   */
  async recheck(): Promise<void> {
    const pause = this.#pause;
    if (pause === undefined) return;
    if (Date.now() >= pause.until) {
      this.resume();
      return;
    }
    const { loginId } = this.#options;
    const isSame = await pause.loginId === await loginId?.();
    if (pause !== this.#pause) return;
    if (isSame) this.#advance();
    else this.resume();
  }

  /** Forgets a pause without starting anything, at the end of the server. */
  close(): void {
    clearInterval(this.#checking);
    this.#checking = undefined;
  }

  /**
   * Ends a pause.
   *
   * @returns Whether there was one.
   */
  resume(): boolean {
    const wasPaused = this.#pause !== undefined;
    this.close();
    this.#pause = undefined;
    this.#probe = undefined;
    this.#advance();
    return wasPaused;
  }

  // However the clock is set: a jump back is as good a reason to try as time that has passed.
  #isProbeDue(): boolean {
    const { probeMs = PROBE_MS } = this.#options;
    return this.#probe === undefined &&
      Math.abs(Date.now() - this.#probedAt) >= probeMs;
  }

  #failImpatient(failure: ApiError): void {
    for (const place of this.#queue.flat()) {
      if (place.waitForQuota) continue;
      place.granted.reject(failure);
      this.#release(place);
    }
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
    const queued = this.#waiting;
    const startable = this.#pause === undefined
      ? max
      : this.#active + (this.#isProbeDue() ? 1 : 0);
    const free = Math.min(max, startable) - this.#active;
    if (count <= free + maxQueue - queued) return;
    throw new ApiError(
      "queue_full",
      `Cannot take ${count} more: ${this.#active} of ${max} workers are busy and ${queued} of ${maxQueue} places in the queue are taken`,
      { retryAfter: retryAfter?.() ?? 30 },
    );
  }

  #advance(): void {
    while (this.#active < this.#options.max) {
      if (this.#pause !== undefined && !this.#isProbeDue()) break;
      const round = this.#queue.shift();
      const place = round?.shift();
      if (round === undefined || place === undefined) break;
      if (round.length > 0) this.#queue.push(round);
      if (this.#pause !== undefined) {
        this.#probe = place;
        this.#probedAt = Date.now();
      }
      place.state = "active";
      this.#waiting--;
      this.#active++;
      if (place.paused !== undefined) place.onMove(place.position);
      place.granted.resolve();
    }
    const paused = this.#paused;
    forEachInTurn(this.#queue, (place, index) => {
      const position = index + 1;
      const isSame = place.paused?.until === paused?.until &&
        isAbout(position, place.position);
      if (isSame) return;
      place.position = position;
      place.paused = paused;
      place.onMove(position, paused);
    });
  }

  #release(place: Place): void {
    if (place.state === "waiting") {
      const { round } = place;
      this.#waiting--;
      round.splice(round.indexOf(place), 1);
      if (round.length === 0) {
        this.#queue.splice(this.#queue.indexOf(round), 1);
      }
    }
    if (place.state === "active") this.#active--;
    place.state = "released";
    if (place === this.#probe) {
      // It has told nothing: those that came with it would wait for the next one.
      this.#probe = undefined;
      if (this.#pause !== undefined) {
        this.#failImpatient(remaining(this.#pause));
      }
    }
    this.#advance();
  }
}

// What paused the queue, with the time that is left by now.
function remaining({ failure, until }: Pause): ApiError {
  const retryAfter = Math.max(1, Math.ceil((until - Date.now()) / 1000));
  return new ApiError(failure.code, failure.message, { retryAfter });
}

// In the order in which they come up: everybody's first, then everybody's second.
function forEachInTurn(
  queue: readonly (readonly Place[])[],
  visit: (place: Place, index: number) => void,
): void {
  let index = 0;
  let isOver = false;
  for (let round = 0; !isOver; round++) {
    isOver = true;
    for (const places of queue) {
      if (round >= places.length) continue;
      isOver = false;
      visit(places[round], index++);
    }
  }
}

function isAbout(position: number, told: number): boolean {
  const change = Math.abs(position - told);
  return change === 0 || position > NEAR && change < position * TOLD_CHANGE;
}

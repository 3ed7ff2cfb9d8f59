import { startStopwatch } from "../util.ts";
import { codexUnreachable } from "./errors.ts";

/** How long the CLI may be without a connection, in milliseconds. */
const OFFLINE_MS = 20_000;
/** When that ends at the latest for one that has just started, in milliseconds after its start. */
const LATEST_MS = 29_000;
/** The first complaint may come that late, in milliseconds: the CLI asks for its models before. */
const FIRST_MS = 15_000;
/** How long a CLI that has had its last complaint has been silent at least when it is through again, in milliseconds. */
const SILENCE_MS = 8_000;

const RECONNECTING =
  /^Reconnecting\.\.\. (?:waiting for network|\d+\/\d+) \((.*)\)$/s;
const NO_CONNECTION =
  /error sending request|connection (?:failed|refused)|lookup address|peer certificate|certificate verify|os error (?:101|104|111|113)\b|unreachable|proxy/i;
const NOT_TELLING = /^Connection failed: error sending request$/;

/**
 * Ends the patience with a CLI that says that it has no connection: it would go on for ever.
 *
 * It tells of every attempt that fails and of none that succeeds. So one that has been silent for longer than its attempts are
 * apart may be through, and goes on until it complains again.
 */
export class ConnectionWatch {
  /** Rejects with the {@linkcode ApiError} when the CLI has been without a connection for too long. */
  readonly lost: Promise<never>;
  readonly #lost = Promise.withResolvers<never>();
  readonly #elapsed = startStopwatch();
  #complaints: string[] = [];
  #lastAt = 0;
  #isOverdue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.lost = this.#lost.promise;
    // It matters only to a worker that still waits.
    this.lost.catch(() => {});
  }

  /** Takes the message of an error that the CLI tells. */
  note(message: string): void {
    const complaint = readConnectionComplaint(message);
    if (complaint === undefined) return;
    this.#complaints.push(complaint);
    const now = this.#lastAt = this.#elapsed();
    if (this.#isOverdue) return this.#giveUp();
    const ms = now > FIRST_MS
      ? OFFLINE_MS
      : Math.min(OFFLINE_MS, LATEST_MS - now);
    this.#timer ??= setTimeout(() => {
      this.#isOverdue = true;
      if (this.#elapsed() - this.#lastAt < SILENCE_MS) this.#giveUp();
    }, ms);
  }

  /** Forgets the complaints: the CLI got further, or is ended. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOverdue = false;
    this.#complaints = [];
  }

  #giveUp(): void {
    this.#lost.reject(codexUnreachable(bestComplaint(this.#complaints)));
  }
}

/** Tells whether a message of the CLI is about the way to its service. */
export function isConnectionFailure(message: string): boolean {
  return NO_CONNECTION.test(message);
}

/**
 * Reads a complaint of the CLI that it has no connection to its service.
 *
 * @param message The message of a JSON line of the type `error`.
 * @returns Its reason; undefined for a service that was reached, and did not answer as it should.
 */
export function readConnectionComplaint(message: string): string | undefined {
  const reason = RECONNECTING.exec(message)?.[1] ?? "";
  const isAnswer = /unexpected status \d/.test(reason);
  return isConnectionFailure(reason) && !isAnswer
    ? reason.replace("stream disconnected before completion: ", "")
    : undefined;
}

/** Picks what tells most of the complaints about one connection, oldest first: the first of them says what the later ones only repeat. */
export function bestComplaint(complaints: readonly string[]): string {
  return complaints.findLast((reason) => !NOT_TELLING.test(reason)) ??
    complaints.at(-1) ?? "it gave no reason";
}

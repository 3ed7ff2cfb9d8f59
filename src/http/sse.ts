import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { ApiError } from "../errors.ts";

/** How often an idle stream says that it is alive, in milliseconds: Node's fetch gives up after 300 s. */
const HEARTBEAT_MS = 15_000;

/** How events are sent. */
export interface EventStreamOptions {
  /** Called when the stream is over, whether it was read to its end or not. */
  readonly onClose?: () => void;
  /** Called before that when it was not: the reader went away, or the events broke off. */
  readonly onCut?: () => void;
  /** How often an idle stream says that it is alive, in milliseconds; 15 seconds when left out. */
  readonly heartbeatMs?: number;
}

/**
 * Answers with server-sent events; the headers leave at once.
 *
 * @param events What to send; it is told to return when the reader goes away.
 */
export function eventStream(
  events: AsyncIterator<ServerSentEventMessage>,
  options: EventStreamOptions = {},
): Response {
  const {
    heartbeatMs = HEARTBEAT_MS,
    onClose = () => {},
    onCut = () => {},
  } = options;
  let stopWaiting = () => {};
  let pending: Promise<IteratorResult<ServerSentEventMessage>> | undefined;
  const messages = new ReadableStream<ServerSentEventMessage>({
    start: (controller) => controller.enqueue({ comment: "ok" }),
    async pull(controller) {
      pending ??= events.next();
      const beat = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => beat.resolve(undefined), heartbeatMs);
      stopWaiting = () => clearTimeout(timer);
      try {
        const next = await Promise.race([pending, beat.promise]);
        if (next === undefined) return controller.enqueue({ comment: "ping" });
        pending = undefined;
        if (!next.done) return controller.enqueue(next.value);
        controller.close();
        onClose();
      } catch (error) {
        onCut();
        onClose();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel() {
      stopWaiting();
      onCut();
      onClose();
      // It may be waiting for an event that never comes, so nobody waits for it.
      void events.return?.();
    },
  });
  return new Response(messages.pipeThrough(new ServerSentEventStream()), {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

/** When to ask for a place again, in seconds. */
const RETRY_SECONDS = 5;

/** Hands out a limited number of places for answers that are streams of events. */
export class SseLimiter {
  readonly #max: number;
  #taken = 0;

  /** @param max How many there are. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Takes a place; its disposal gives it back.
   *
   * @throws {ApiError} `queue_full`: there is none.
   */
  take(): DisposableStack {
    if (this.#taken >= this.#max) {
      throw new ApiError(
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

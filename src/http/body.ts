import { setImmediate } from "node:timers/promises";
import { ApiError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import { type Pace, requirePace } from "./pace.ts";

/** How much is passed on at a time: reading it takes a few milliseconds at most. */
const MAX_CHUNK_BYTES = 65_536;

/** For how long one body may be read before everybody else has a turn, in milliseconds. */
const TURN_MS = 10;

/** When to send a body again that found no room, in seconds. */
const RETRY_SECONDS = 5;

/** How {@linkcode readChunks} reads. */
export interface ReadBodyOptions {
  /** The largest body to read, in bytes. */
  readonly maxBytes: number;
  /** What all bodies that are read at the same time share; without limit when left out. */
  readonly budget?: BodyBudget;
  /** How fast it has to come; at any pace when left out. */
  readonly pace?: Pace;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** How many bytes of all bodies that are read at the same time may be on their way together. */
export class BodyBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes At least as many as one body may have. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The bytes that are taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Opens an account for one body; its disposal gives back what it took. */
  open(): Disposable & { takeUpTo(total: number): void } {
    let taken = 0;
    return {
      /** @throws {ApiError} `queue_full`: there are not so many left. */
      takeUpTo: (total) => {
        const more = Math.max(0, total - taken);
        if (this.#bytes + more > this.#maxBytes) throw this.#full(more);
        this.#bytes += more;
        taken += more;
      },
      [Symbol.dispose]: () => this.#bytes -= taken,
    };
  }

  #full(bytes: number): ApiError {
    return new ApiError(
      "queue_full",
      `Cannot read another ${bytes} bytes now: ${this.#bytes} of at most ${this.#maxBytes} bytes of request bodies are being read, expected the request again in ${RETRY_SECONDS} s`,
      { retryAfter: RETRY_SECONDS },
    );
  }
}

/** Tells what type the body of a request has, without parameters; empty where that is not told. */
export function mediaTypeOf(request: Request): string {
  const [type] = (request.headers.get("content-type") ?? "").split(";", 1);
  return type.trim().toLowerCase();
}

/**
 * Makes the failure for a body of another type.
 *
 * @param expected The type as the message names it, in quotation marks.
 */
export function refuseType(request: Request, expected: string): ApiError {
  const type = request.headers.get("content-type");
  const what = type === null
    ? "without a type"
    : `of type ${truncateAndQuote(type)}`;
  return new ApiError(
    "unsupported_media_type",
    `Cannot read a body ${what}: expected Content-Type ${expected}`,
  );
}

/**
 * Reads the body of a request in chunks of at most 64 KiB, and lets others have their turn in between; to end early lets go
 * of the body.
 *
 * A body whose length is told beforehand and too large is refused unread, any other where it passes the limit.
 *
 * @throws {ApiError} `body_too_large`; `queue_full` where the budget is used up; `request_canceled` where the caller does
 * not send all of it, or too slowly. Where `signal` ends the reading, its reason is thrown.
 */
export async function* readChunks(
  request: Request,
  { budget, maxBytes, pace, signal }: ReadBodyOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  signal?.throwIfAborted();
  const declared = Number(request.headers.get("content-length")) || 0;
  if (declared > maxBytes) {
    throw tooLarge(`its ${declared} bytes exceed`, maxBytes);
  }
  if (request.body === null) return;
  using account = budget?.open();
  account?.takeUpTo(declared);
  const reader = requirePace(request.body, pace).getReader();
  let over = false;
  const letGo = (reason?: unknown) => {
    over = true;
    // Nobody waits for whoever may never send another byte.
    reader.cancel(reason).catch(() => {});
  };
  const stop = () => letGo(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  let bytes = 0;
  let turn = performance.now();
  try {
    for (;;) {
      const { done, value } = await read(reader, bytes, signal);
      signal?.throwIfAborted();
      over = done;
      if (done) return;
      bytes += value.length;
      if (bytes > maxBytes) throw tooLarge("it exceeds", maxBytes);
      account?.takeUpTo(bytes);
      for (let at = 0; at < value.length; at += MAX_CHUNK_BYTES) {
        yield value.subarray(at, at + MAX_CHUNK_BYTES);
        if (performance.now() - turn > TURN_MS) {
          await setImmediate();
          turn = performance.now();
        }
        signal?.throwIfAborted();
      }
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    if (!over) letGo();
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> {
  try {
    return await reader.read();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError(
      "request_canceled",
      `Cannot read the body: it broke off after ${bytes} bytes`,
      { cause: error },
    );
  }
}

function tooLarge(state: string, maxBytes: number): ApiError {
  return new ApiError(
    "body_too_large",
    `Cannot read the body: ${state} the limit of ${maxBytes} bytes`,
  );
}

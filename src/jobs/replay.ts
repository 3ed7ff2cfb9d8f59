import { encodeHex } from "@std/encoding/hex";
import { ApiError } from "../errors.ts";
import { finishedEntry, type JobEntry, type Jobs } from "./jobs.ts";
import type { SubscriberOptions } from "./subscribers.ts";

const KEY = /^[\x21-\x7e]{1,255}$/;
/** How long a job with an `Idempotency-Key` waits for its caller to come back, in milliseconds. */
const KEYED_GRACE_MS = 10_000;
/** The longest that the official clients wait before a first and a second retry, and before any, in milliseconds. */
const FIRST_BACKOFF_MS = 1_000, LAST_BACKOFF_MS = 8_000;
/**
 * What a retry may take to connect and to send its body, in milliseconds: little before the first, for who never retried
 * may be gone for good, and all processes of a job that nobody wants have to be gone within 2 s.
 */
const FIRST_RECONNECT_MS = 100, RECONNECT_MS = 2_000;
/** How soon the fetch of Deno repeats a request whose connection was cut, by itself and uncounted, in milliseconds. */
const UNCOUNTED_MS = 100;
/** How long the images of a job are there for a retry, in milliseconds: the longest wait, and as long as 100 MB take. */
const KEEP_MS = 60_000;

/** A request that may be the repeat of another. */
export interface RepeatableRequest {
  /** Its `Idempotency-Key`, from {@linkcode readIdempotencyKey}. */
  readonly key: string | undefined;
  /** Which retry the client says that it is: 0 for none, and undefined where it does not retry by itself. */
  readonly retry?: number;
  /** What is asked, by which a repeat is known. */
  readonly wanted: unknown;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Starts the job for the caller. */
  readonly start: (caller: SubscriberOptions) => Promise<JobEntry>;
}

/** A job that a repeat may join. */
interface Run {
  readonly key: string | undefined;
  readonly fingerprint: string;
  entry: Promise<JobEntry>;
  /** The job's id, once it is accepted. */
  job?: string;
  /** Which retry its last caller was. */
  retry: number;
  /** When its last caller left, by `performance.now()`; undefined while it is there. */
  lostAt?: number;
  /** When the images were there, by `performance.now()`. */
  doneAt?: number;
}

/**
 * Joins a repeated request to the job of the first, so that nothing is drawn and paid for twice.
 *
 * A repeat is known by its `Idempotency-Key`, or by the retry count that the official OpenAI clients send: such a retry
 * joins a job of the same request that lost its caller, for as long as the client may wait before it comes back, and one
 * that is done, for its answer may have been lost on the way. A job that failed is never joined, because a new try is what
 * the client wants then. The same words with neither are a wish for more, and start a job that ends with its caller.
 */
export class Replay {
  readonly #jobs: Jobs;
  readonly #runs = new Set<Run>();

  /** @param jobs Where jobs are looked up: one that is forgotten frees its key. */
  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  /**
   * Starts a job, or joins the caller to the job that the request is a repeat of.
   *
   * @throws {ApiError} `idempotency_key_reused`: the key stands for another request; and what `start` throws.
   */
  async start(request: RepeatableRequest): Promise<JobEntry> {
    const { key, retry, signal, start, wanted } = request;
    if (key === undefined && retry === undefined) {
      return await start({ signal });
    }
    const gracePeriodMs = key === undefined
      ? retryGraceMs(retry ?? 0)
      : KEYED_GRACE_MS;
    const caller = { signal, gracePeriodMs };
    const asked = {
      key,
      fingerprint: await fingerprintOf(wanted),
      retry: retry ?? 0,
    };
    this.#forget();
    for (let run; (run = this.#find(asked)) !== undefined;) {
      attend(run, asked.retry, signal);
      const entry = await run.entry.catch(() => undefined);
      if (entry !== undefined && !entry.ending) {
        entry.attach(caller);
        return entry;
      }
      this.#runs.delete(run);
      // It was this caller's own as far as one can tell; another's is not to be taken for it.
      if (key === undefined) break;
    }
    const run: Run = { ...asked, entry: start(caller) };
    attend(run, asked.retry, signal);
    this.#add(run);
    return await run.entry;
  }

  #find(
    { fingerprint, key, retry }: Pick<
      Run,
      "fingerprint" | "key" | "retry"
    >,
  ): Run | undefined {
    if (key !== undefined) {
      const run = [...this.#runs].find((run) => run.key === key);
      if (run === undefined || run.fingerprint === fingerprint) return run;
      throw keyReused(key);
    }
    const now = performance.now();
    const isLost = ({ lostAt }: Run) =>
      lostAt !== undefined && (retry > 0 || now - lostAt < UNCOUNTED_MS);
    const runs = [...this.#runs].filter((run) =>
      run.key === undefined && run.fingerprint === fingerprint &&
      (isLost(run) || (run.doneAt !== undefined && run.retry < retry))
    );
    // One that lost its caller comes first, and of those the one whose caller had come as often.
    const rank = (run: Run) =>
      (isLost(run) ? 2 : 0) + (run.retry === retry - 1 ? 1 : 0);
    return runs.toSorted((a, b) => rank(b) - rank(a))[0];
  }

  #add(run: Run): void {
    this.#runs.add(run);
    run.entry.then(async ({ answer, job }) => {
      run.job = job.record.id;
      await answer;
      run.doneAt = performance.now();
      // What is kept until then holds the request's signals.
      run.entry = Promise.resolve(finishedEntry(job));
    }).catch(() => this.#runs.delete(run));
  }

  #forget(): void {
    const known = new Set(this.#jobs.all.map(({ record }) => record.id));
    const now = performance.now();
    for (const run of this.#runs) {
      const { doneAt = now, job, key } = run;
      const isStale = key === undefined && doneAt + KEEP_MS < now;
      if (isStale || (job !== undefined && !known.has(job))) {
        this.#runs.delete(run);
      }
    }
  }
}

/**
 * Reads the `Idempotency-Key` of a request.
 *
 * @throws {ApiError} `unknown_parameter`: it is no key.
 */
export function readIdempotencyKey(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  if (KEY.test(key)) return key;
  throw new ApiError(
    "unknown_parameter",
    `Cannot use Idempotency-Key of ${key.length} characters: expected 1 to 255 printable ASCII characters without spaces`,
    { param: "Idempotency-Key" },
  );
}

/** Makes the fingerprint by which two requests are the same; where an upload lies on disk makes no difference. */
export async function fingerprintOf(request: unknown): Promise<string> {
  const text = JSON.stringify(
    request,
    (name, value) => name === "path" ? undefined : value,
  );
  const bytes = new TextEncoder().encode(text);
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * Tells how long a job waits for the next retry of an official client that has left, in milliseconds.
 *
 * They double their wait with every retry.
 *
 * @param retry Which retry the client was that has left, from 0.
 */
export function retryGraceMs(retry: number): number {
  const backoff = FIRST_BACKOFF_MS * 2 ** Math.max(0, retry - 1);
  return Math.min(backoff, LAST_BACKOFF_MS) +
    (retry === 0 ? FIRST_RECONNECT_MS : RECONNECT_MS);
}

function attend(
  run: Run,
  retry: number,
  signal: AbortSignal,
): void {
  run.retry = retry;
  run.lostAt = signal.aborted ? performance.now() : undefined;
  const leave = () => run.lostAt = performance.now();
  signal.addEventListener("abort", leave, { once: true });
}

function keyReused(key: string): ApiError {
  const shown = JSON.stringify(key.slice(0, 60));
  return new ApiError(
    "idempotency_key_reused",
    `Cannot use Idempotency-Key ${shown}: it stands for a request with another body; expected a new key`,
    { param: "Idempotency-Key" },
  );
}

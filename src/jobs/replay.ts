import { encodeHex } from "@std/encoding/hex";
import { ApiError } from "../errors.ts";
import type { JobAnswer, JobEntry, Jobs, SubscriberOptions } from "./jobs.ts";

const KEY = /^[\x21-\x7e]{1,255}$/;

interface Use<Answer> {
  readonly fingerprint: string;
  readonly entry: Promise<JobEntry<Answer>>;
  /** The job's id, once it is accepted. */
  job?: string;
}

/**
 * Remembers which job was started under which `Idempotency-Key`.
 *
 * A repeat gets the job that is under way or done, for as long as it is kept. A job without a single
 * image frees its key, so that trying again means trying again.
 */
export class IdempotencyKeys<Answer extends JobAnswer> {
  readonly #jobs: Jobs<Answer>;
  readonly #uses = new Map<string, Use<Answer>>();

  /** @param jobs Where jobs are looked up: one that is forgotten frees its key. */
  constructor(jobs: Jobs<Answer>) {
    this.#jobs = jobs;
  }

  /**
   * Starts a job under a key, or finds the one that was started under it.
   *
   * @param fingerprint From {@linkcode fingerprintOf}.
   * @returns The job, and whether it was there already.
   * @throws {ApiError} `idempotency_key_reused`: the key stands for another request.
   */
  async use(
    key: string,
    fingerprint: string,
    start: () => Promise<JobEntry<Answer>>,
  ): Promise<{ readonly entry: JobEntry<Answer>; readonly repeated: boolean }> {
    this.#forget();
    const previous = this.#uses.get(key);
    if (previous !== undefined) {
      if (previous.fingerprint !== fingerprint) throw reused(key);
      return { entry: await previous.entry, repeated: true };
    }
    const entry = start();
    const use: Use<Answer> = { fingerprint, entry };
    this.#uses.set(key, use);
    const free = () => {
      if (this.#uses.get(key) === use) this.#uses.delete(key);
    };
    entry.then(({ answer, job }) => {
      use.job = job.record.id;
      answer.catch(free);
    }, free);
    return { entry: await entry, repeated: false };
  }

  #forget(): void {
    const known = new Set(this.#jobs.all.map(({ record }) => record.id));
    for (const [key, { job }] of this.#uses) {
      if (job !== undefined && !known.has(job)) this.#uses.delete(key);
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

function reused(key: string): ApiError {
  const shown = JSON.stringify(key.slice(0, 60));
  return new ApiError(
    "idempotency_key_reused",
    `Cannot use Idempotency-Key ${shown}: it stands for a request with another body; expected a new key`,
    { param: "Idempotency-Key" },
  );
}

/** How long a job with an `Idempotency-Key` waits for its caller to come back, in milliseconds. */
const KEYED_GRACE_MS = 10_000;

/** What is started under a key, and for whom. */
export interface StartUnderKeyOptions<Answer> {
  /** The `Idempotency-Key`. */
  readonly key: string;
  /** What is asked, by which a repeat is known. */
  readonly wanted: unknown;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Starts the job for the caller. */
  readonly start: (caller: SubscriberOptions) => Promise<JobEntry<Answer>>;
}

/**
 * Starts a job under a key, or joins the caller to the one that was started under it.
 *
 * @throws {ApiError} `idempotency_key_reused`: the key stands for another request; and what `start` throws.
 */
export async function startUnderKey<Answer extends JobAnswer>(
  keys: IdempotencyKeys<Answer>,
  { key, signal, start, wanted }: StartUnderKeyOptions<Answer>,
): Promise<JobEntry<Answer>> {
  const caller = { signal, gracePeriodMs: KEYED_GRACE_MS };
  const fingerprint = await fingerprintOf(wanted);
  const { entry, repeated } = await keys.use(
    key,
    fingerprint,
    () => start(caller),
  );
  if (repeated) entry.attach(caller);
  return entry;
}

/**
 * How long a job waits for the retry of a caller whose connection was cut, in milliseconds.
 *
 * The official clients retry after 0.5 s, and the fetch of Deno before that, at once and uncounted. All processes of a job
 * that nobody wants have to be gone within 2 s.
 */
const RETRY_GRACE_MS = 900;

/**
 * How long the images of a job are there for a retry, in milliseconds.
 *
 * It is for an answer that was cut off on its way. The official clients wait for 8 s at most before a retry, and send up to
 * 100 MB again.
 */
const KEEP_MS = 30_000;

/** A request that may be the retry of another. */
export interface MaybeRetry<Answer> {
  /** What is asked. */
  readonly wanted: unknown;
  /** Which retry the client says that it is: 0 for none, and undefined where it does not retry by itself. */
  readonly retry: number | undefined;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Starts the job for the caller. */
  readonly start: (caller: SubscriberOptions) => Promise<JobEntry<Answer>>;
}

interface Run<Answer> {
  readonly fingerprint: string;
  readonly entry: Promise<JobEntry<Answer>>;
  /** Whether its caller is there. */
  attended: boolean;
  /** When the images were there, in milliseconds since 1970. */
  doneAt: number | undefined;
}

/**
 * Remembers the jobs of clients that repeat a request by themselves when its connection is cut, so that nothing is drawn
 * and paid for twice.
 *
 * Such clients send no `Idempotency-Key`. A request joins a job that was asked the same and lost its caller, so that nobody
 * has seen its images; one that is counted as a retry also joins a job that made its images not long ago, for their answer
 * may have been lost. A job that failed is not joined, because a new try is what the client wants then. And what is neither
 * always starts a job, because the same words twice are a wish for more.
 */
export class Retries<Answer extends JobAnswer> {
  readonly #runs = new Set<Run<Answer>>();

  /**
   * Starts a job, or joins the caller to the job that the request is a retry of.
   *
   * @throws {ApiError} What `start` throws.
   */
  async start(request: MaybeRetry<Answer>): Promise<JobEntry<Answer>> {
    const { retry, signal, start, wanted } = request;
    if (retry === undefined) return await start({ signal });
    const caller = { signal, gracePeriodMs: RETRY_GRACE_MS };
    const fingerprint = await fingerprintOf(wanted);
    this.#forget();
    const previous = await this.#join(fingerprint, caller, retry > 0);
    if (previous !== undefined) return previous;
    const entry = start(caller);
    const run = { fingerprint, entry, attended: true, doneAt: undefined };
    this.#runs.add(run);
    attend(run, signal);
    this.#follow(run);
    return await entry;
  }

  async #join(
    fingerprint: string,
    caller: SubscriberOptions,
    isRetry: boolean,
  ): Promise<JobEntry<Answer> | undefined> {
    const runs = [...this.#runs].filter((run) =>
      run.fingerprint === fingerprint &&
      (!run.attended || (isRetry && run.doneAt !== undefined))
    );
    // Those that lost their callers come first.
    runs.sort((a, b) => Number(a.attended) - Number(b.attended));
    for (const run of runs) {
      attend(run, caller.signal);
      const entry = await run.entry.catch(() => undefined);
      if (entry === undefined || entry.ending) continue;
      entry.attach(caller);
      return entry;
    }
  }

  #follow(run: Run<Answer>): void {
    run.entry.then(({ answer }) => answer).then(
      () => run.doneAt = Date.now(),
      () => this.#runs.delete(run),
    );
  }

  #forget(): void {
    for (const run of this.#runs) {
      if ((run.doneAt ?? Infinity) + KEEP_MS < Date.now()) {
        this.#runs.delete(run);
      }
    }
  }
}

function attend(run: Run<unknown>, signal: AbortSignal): void {
  run.attended = !signal.aborted;
  signal.addEventListener("abort", () => run.attended = false, { once: true });
}

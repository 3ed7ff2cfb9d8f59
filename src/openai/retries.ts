import type { CallerOptions } from "../jobs/callers.ts";
import { fingerprintOf } from "../jobs/idempotency.ts";
import type { JobAnswer, JobEntry } from "../jobs/job_entry.ts";

/**
 * How long a job waits for the retry of a caller whose connection was cut, in milliseconds.
 *
 * The official clients retry after 0.5 s, and the fetch of Deno before that, at once and uncounted. All processes of a job
 * that nobody wants have to be gone within 2 s.
 */
const LINGER_MS = 900;

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
  readonly start: (caller: CallerOptions) => Promise<JobEntry<Answer>>;
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
   * @throws {Failure} What `start` throws.
   */
  async start(request: MaybeRetry<Answer>): Promise<JobEntry<Answer>> {
    const { retry, signal, start, wanted } = request;
    if (retry === undefined) return await start({ signal });
    const caller = { signal, lingerMs: LINGER_MS };
    const fingerprint = await fingerprintOf(wanted);
    this.#forget();
    const former = await this.#join(fingerprint, caller, retry > 0);
    if (former !== undefined) return former;
    const entry = start(caller);
    const run = { fingerprint, entry, attended: true, doneAt: undefined };
    this.#runs.add(run);
    attend(run, signal);
    this.#follow(run);
    return await entry;
  }

  async #join(
    fingerprint: string,
    caller: CallerOptions,
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

import type { CallerOptions } from "./callers.ts";
import { fingerprintOf, type IdempotencyKeys } from "./idempotency.ts";
import type { JobAnswer, JobEntry } from "./job_entry.ts";

/** How long a job with an `Idempotency-Key` waits for its caller to come back, in milliseconds. */
const LINGER_MS = 10_000;

/** What is started under a key, and for whom. */
export interface StartUnderKeyOptions<Answer> {
  /** The `Idempotency-Key`. */
  readonly key: string;
  /** What is asked, by which a repeat is known. */
  readonly wanted: unknown;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Starts the job for the caller. */
  readonly start: (caller: CallerOptions) => Promise<JobEntry<Answer>>;
}

/**
 * Starts a job under a key, or joins the caller to the one that was started under it.
 *
 * @throws {Failure} `idempotency_key_reused`: the key stands for another request; and what `start` throws.
 */
export async function startUnderKey<Answer extends JobAnswer>(
  keys: IdempotencyKeys<Answer>,
  { key, signal, start, wanted }: StartUnderKeyOptions<Answer>,
): Promise<JobEntry<Answer>> {
  const caller = { signal, lingerMs: LINGER_MS };
  const fingerprint = await fingerprintOf(wanted);
  const { entry, repeated } = await keys.use(
    key,
    fingerprint,
    () => start(caller),
  );
  if (repeated) entry.attach(caller);
  return entry;
}

import { encodeHex } from "@std/encoding/hex";
import { Failure } from "../failure.ts";
import type { JobAnswer, JobEntry } from "./job_entry.ts";
import type { Jobs } from "./jobs.ts";

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
   * @throws {Failure} `idempotency_key_reused`: the key stands for another request.
   */
  async use(
    key: string,
    fingerprint: string,
    start: () => Promise<JobEntry<Answer>>,
  ): Promise<{ readonly entry: JobEntry<Answer>; readonly repeated: boolean }> {
    this.#forget();
    const former = this.#uses.get(key);
    if (former !== undefined) {
      if (former.fingerprint !== fingerprint) throw reused(key);
      return { entry: await former.entry, repeated: true };
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
 * @throws {Failure} `unknown_parameter`: it is no key.
 */
export function readIdempotencyKey(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  if (KEY.test(key)) return key;
  throw new Failure(
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

function reused(key: string): Failure {
  const shown = JSON.stringify(key.slice(0, 60));
  return new Failure(
    "idempotency_key_reused",
    `Cannot use Idempotency-Key ${shown}: it stands for a request with another body; expected a new key`,
    { param: "Idempotency-Key" },
  );
}

import type { WorkerPicture } from "../codex/worker.ts";
import { startStopwatch } from "../stopwatch.ts";
import { type AttemptParts, runAttempt } from "./attempt.ts";
import type { Batch, FinishedCandidate } from "./batch.ts";
import { makeDistinct } from "./distinct.ts";
import { finishCandidate, type FinishParts } from "./finish.ts";
import { makeWithOriginals } from "./originals.ts";

/** What candidates are made with. */
export interface CandidateParts extends AttemptParts, FinishParts {}

/** Which candidate to make. */
export interface CandidateOptions {
  /** Which of the request's candidates, from 0. */
  readonly index: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A candidate under way. */
export interface Candidate {
  /** The stored image; rejects with the reason why there is none. */
  readonly finished: Promise<FinishedCandidate>;
  /** Resolves when no process and no file of its workers is left. */
  readonly ended: Promise<void>;
}

/**
 * Makes one candidate of a request: a worker, the conversion to what was asked, and the storing.
 *
 * It is made once more where Codex left original references out, and where it made a picture that
 * another candidate already has, or one that looks like it. A picture that is paid for is not lost by that.
 */
export function makeCandidate(
  parts: CandidateParts,
  batch: Batch,
  { index, signal }: CandidateOptions,
): Candidate {
  let ended = Promise.resolve();
  const finished = run();
  return { finished, ended: finished.then(() => ended, () => ended) };

  async function run(): Promise<FinishedCandidate> {
    const duration = startStopwatch();
    let attempt = 0;
    const work = async (insist: boolean): Promise<WorkerPicture> => {
      await ended;
      attempt++;
      const worker = runAttempt(parts, batch, {
        index,
        signal,
        attempt,
        insist,
      });
      ended = worker.ended;
      // Who waits for it is told; until somebody does, its failure must not end the process.
      ended.catch(() => {});
      return await worker.picture;
    };
    const make = () => makeWithOriginals(batch, work);
    const { picture, warnings } = batch.request.count === 1
      // There is nothing that a single one could be like.
      ? { picture: await make(), warnings: [] }
      : await makeDistinct(batch, index, make);
    return await finishCandidate(parts, batch, {
      index,
      picture,
      duration,
      warnings,
    });
  }
}

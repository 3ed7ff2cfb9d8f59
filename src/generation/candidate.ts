import type { WorkerPicture } from "../codex/worker.ts";
import { Failure, toFailure } from "../failure.ts";
import { type AttemptParts, runAttempt } from "./attempt.ts";
import type { Batch, FinishedCandidate } from "./batch.ts";
import {
  finishCandidate,
  type FinishParts,
  type MadePicture,
} from "./finish.ts";
import { OriginalsLeftOut, requireOriginals } from "./receipts.ts";

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
  const finished = make();
  return { finished, ended: finished.then(() => ended, () => ended) };

  async function make(): Promise<FinishedCandidate> {
    const started = Date.now();
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
      return await worker.picture;
    };
    const { picture, warnings } = await distinct(
      batch,
      index,
      () => withOriginals(batch, work),
    );
    return await finishCandidate(parts, batch, {
      index,
      picture,
      started,
      warnings,
    });
  }
}

// A picture that another candidate has to the last byte is worth nothing; one that only looks like it is paid for.
async function distinct(
  { pictures }: Batch,
  index: number,
  work: () => Promise<WorkerPicture>,
): Promise<Pick<MadePicture, "picture" | "warnings">> {
  const first = await work();
  const likeness = await pictures.add(first.bytes, index);
  if (likeness === undefined) return { picture: first, warnings: [] };
  const again = await work().catch((error) => {
    if (likeness.equal || isCanceled(error)) throw error;
  });
  const second = again && await pictures.add(again.bytes, index);
  if (again !== undefined && second === undefined) {
    return { picture: again, warnings: [] };
  }
  const kept = again !== undefined && !second?.equal ? again : first;
  if (kept === first && likeness.equal) {
    throw new Failure(
      "codex_no_image",
      `Codex made the very picture of candidate ${likeness.twin + 1} twice`,
    );
  }
  await pictures.keep(kept.bytes, index);
  return {
    picture: kept,
    warnings: [
      `Candidate ${index + 1} looks much like candidate ${
        likeness.twin + 1
      }, although it was made twice`,
    ],
  };
}

// Where the second attempt makes no picture, the first one's is still better than none.
async function withOriginals(
  { references, request }: Batch,
  work: (insist: boolean) => Promise<WorkerPicture>,
): Promise<WorkerPicture> {
  let first: WorkerPicture | undefined;
  try {
    first = await work(false);
    requireOriginals(references, first.toolCalls);
    return first;
  } catch (error) {
    if (!(error instanceof OriginalsLeftOut)) throw error;
  }
  try {
    const second = await work(true);
    if (request.failFast) requireOriginals(references, second.toolCalls);
    return second;
  } catch (error) {
    if (first === undefined || request.failFast || isCanceled(error)) {
      throw error;
    }
    return first;
  }
}

function isCanceled(error: unknown): boolean {
  return toFailure(error).code === "request_canceled";
}

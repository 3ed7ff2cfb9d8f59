import type { WorkerPicture } from "../codex/worker.ts";
import { toFailure } from "../failure.ts";
import type { Batch } from "./batch.ts";
import { OriginalsLeftOut, requireOriginals } from "./receipts.ts";

/** The references of a request, and how strict it is about them. */
export interface Originals {
  readonly references: Batch["references"];
  readonly request: Pick<Batch["request"], "failFast">;
}

/**
 * Makes a picture from the original references, with a second attempt where Codex leaves some out.
 *
 * Where the second attempt makes no picture, the first one's is still better than none, unless the
 * request is to fail fast.
 *
 * @param work Makes a picture; told whether to insist on the originals.
 * @throws What the work throws, or {@linkcode OriginalsLeftOut} for a request that is to fail fast.
 */
export async function makeWithOriginals(
  { references, request }: Originals,
  work: (insist: boolean) => Promise<WorkerPicture>,
): Promise<WorkerPicture> {
  const check = async ({ facts }: WorkerPicture) => {
    if (references.length > 0) {
      requireOriginals(references, (await facts).toolCalls);
    }
  };
  let first: WorkerPicture | undefined;
  try {
    first = await work(false);
    await check(first);
    return first;
  } catch (error) {
    if (!(error instanceof OriginalsLeftOut)) throw error;
  }
  try {
    const second = await work(true);
    if (request.failFast) await check(second);
    return second;
  } catch (error) {
    const isCanceled = toFailure(error).code === "request_canceled";
    if (first === undefined || request.failFast || isCanceled) throw error;
    return first;
  }
}

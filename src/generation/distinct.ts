import type { WorkerPicture } from "../codex/worker.ts";
import { Failure, toFailure } from "../failure.ts";
import type { Batch } from "./batch.ts";
import type { MadePicture } from "./finish.ts";

/**
 * Makes a picture that no other candidate of the request has.
 *
 * One that another has to the last byte, or that looks like it, is made once more. What then only
 * looks alike is kept, because it is paid for; what is the same is worth nothing.
 *
 * @param index The candidate, from 0.
 * @param work Makes a picture.
 * @throws {Failure} `codex_no_image`: it is the same twice.
 */
export async function makeDistinct(
  { pictures }: Pick<Batch, "pictures">,
  index: number,
  work: () => Promise<WorkerPicture>,
): Promise<Pick<MadePicture, "picture" | "warnings">> {
  const first = await work();
  const likeness = await pictures.add(first.bytes, index);
  if (likeness === undefined) return { picture: first, warnings: [] };
  const again = await work().catch((error) => {
    const isCanceled = toFailure(error).code === "request_canceled";
    if (likeness.equal || isCanceled) throw error;
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

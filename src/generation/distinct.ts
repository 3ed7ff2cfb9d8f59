import type { WorkerPicture } from "../codex/worker.ts";
import { Failure, toFailure } from "../failure.ts";
import type { Batch } from "./batch.ts";
import type { MadePicture } from "./finish.ts";
import { takePrint } from "./picture_set.ts";

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
  const make = async () => {
    const picture = await work();
    return { picture, print: await takePrint(picture.bytes, index) };
  };
  const first = await make();
  const likeness = pictures.add(first.print);
  if (likeness === undefined) return { picture: first.picture, warnings: [] };
  const second = await make().catch((error) => {
    const isCanceled = toFailure(error).code === "request_canceled";
    if (likeness.equal || isCanceled) throw error;
  });
  const next = second && pictures.add(second.print);
  if (second !== undefined && next === undefined) {
    return { picture: second.picture, warnings: [] };
  }
  for (const [made, like] of [[second, next], [first, likeness]] as const) {
    if (made === undefined || like === undefined || like.equal) continue;
    // Meanwhile another candidate may have come to the very same.
    if (!pictures.keep(made.print)) continue;
    const one = `Candidate ${index + 1}`;
    const other = `candidate ${like.twin + 1}`;
    return {
      picture: made.picture,
      warnings: [`${one} looks much like ${other}, although it was made twice`],
    };
  }
  throw new Failure(
    "codex_no_image",
    `Codex made nothing but pictures that other candidates have, the first that of candidate ${
      likeness.twin + 1
    }`,
  );
}

import type { Codex } from "../codex/codex.ts";
import type { WorkerPicture } from "../codex/worker.ts";
import { MODEL } from "../contract/choices.ts";
import { formatSize } from "../contract/size.ts";
import { Failure } from "../failure.ts";
import { deliverImage } from "../images/deliver.ts";
import { ImageError } from "../images/info.ts";
import type { NewImage } from "../images/new_image.ts";
import type { ImageStore } from "../images/store.ts";
import type { Batch, FinishedCandidate } from "./batch.ts";
import { readReceipts, receiptWarnings } from "./receipts.ts";
import { VARIATIONS } from "./variations.ts";

const LABEL = "生成图";

/** What candidates are finished with. */
export interface FinishParts {
  readonly codex: Codex;
  readonly store: ImageStore;
}

/** A picture on its way to the store. */
export interface MadePicture {
  /** Which candidate, from 0. */
  readonly index: number;
  /** What the worker made. */
  readonly picture: WorkerPicture;
  /** Tells how much time the candidate has taken so far, in milliseconds. */
  readonly duration: () => number;
  /** What the caller should know about how it was made. */
  readonly warnings: readonly string[];
}

/** Turns a picture into what was asked for, and stores it. */
export async function finishCandidate(
  { codex, store }: FinishParts,
  batch: Batch,
  { duration, index, picture, warnings }: MadePicture,
): Promise<FinishedCandidate> {
  const { request, target } = batch;
  // The CLI needs about as long for its record as we for the decoding.
  const [delivery, facts] = await Promise.all([
    deliver(picture.bytes, {
      size: target.size,
      fit: request.fit,
      format: request.outputFormat,
      compression: request.outputCompression,
      background: request.background,
    }),
    picture.facts,
  ]);
  const receipts = readReceipts(batch.references, facts.toolCalls);
  const image = await save(store, {
    bytes: delivery.bytes,
    original: delivery.converted
      ? { bytes: picture.bytes, mimeType: "image/png" }
      : undefined,
    metadata: {
      id: request.count === 1 ? batch.imageId : `${batch.imageId}-${index + 1}`,
      generation_id: batch.id,
      created_at: new Date().toISOString(),
      mime_type: delivery.mimeType,
      width: delivery.width,
      height: delivery.height,
      label: LABEL,
      model: MODEL,
      requested_size: request.requestedSize,
      resolved_size: formatSize(delivery),
      native_size: `${delivery.nativeWidth}x${delivery.nativeHeight}`,
      resize: delivery.resize,
      quality: request.quality,
      prompt: request.prompt,
      revised_prompt: facts.revisedPrompt ?? null,
      transparent: delivery.transparent,
      variation: VARIATIONS[index].name,
      duration_ms: duration(),
      codex_version: codex.version ?? "unknown",
      references: batch.references.map(({ path: _, ...reference }, index) => ({
        ...reference,
        delivered: receipts[index],
      })),
    },
  });
  return {
    index,
    image,
    receipts,
    warnings: [
      ...receiptWarnings(batch.references, facts.toolCalls),
      ...warnings,
      ...delivery.warnings,
    ],
    usage: facts.usage,
  };
}

// Whatever the disk has against it: the room is there no more, the folder gone, or made read-only.
async function save(
  store: ImageStore,
  image: NewImage,
): ReturnType<ImageStore["save"]> {
  try {
    return await store.save(image);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new Failure(
      "insufficient_storage",
      `Cannot store the image: the system says ${error.code}`,
      { cause: error },
    );
  }
}

async function deliver(
  ...args: Parameters<typeof deliverImage>
): ReturnType<typeof deliverImage> {
  try {
    return await deliverImage(...args);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new Failure(
      "codex_no_image",
      `Codex left a picture that cannot be used: it ${error.message}`,
      { cause: error },
    );
  }
}

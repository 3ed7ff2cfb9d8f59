import { join } from "@std/path";
import { MODEL } from "../api/fields.ts";
import { formatSize } from "../api/size.ts";
import type { Codex } from "../codex/codex.ts";
import type { WorkerImage } from "../codex/worker.ts";
import { ApiError, toApiError } from "../errors.ts";
import { convertImage } from "../images/convert.ts";
import { ImageError } from "../images/format.ts";
import type { NewImage } from "../images/sidecar.ts";
import type { ImageStore } from "../images/store.ts";
import { writeXmp, type Xmp } from "../images/xmp.ts";
import type { Log } from "../log.ts";
import { startWorkerSpan } from "../observability/tracing.ts";
import { startStopwatch } from "../util.ts";
import { VERSION } from "../version.ts";
import { type Fingerprint, takeFingerprint } from "./duplicates.ts";
import type { FinishedCandidate, GenerationContext } from "./generation.ts";
import { VARIATIONS, workerInput } from "./prompt.ts";
import {
  MissingReferencesError,
  readReferenceDelivery,
  referenceDeliveryWarnings,
  requireOriginals,
} from "./references.ts";

const LABEL = "生成图";
const CUT_WARNING =
  "The metadata of the file holds the beginning of the prompt, because the whole is more than fits into a JPEG";

/** What candidates are made with. */
export interface CandidateParts {
  readonly codex: Codex;
  readonly log: Log;
  readonly store: ImageStore;
  /** What the tags of all workers of this server begin with. */
  readonly instance: string;
}

/** Which of the request's candidates it is, from 0, and what ends it. */
export interface CandidateOptions {
  readonly index: number;
  readonly signal: AbortSignal;
}

/** A candidate under way. */
export interface Candidate {
  /** The stored image; rejects with the reason why there is none. */
  readonly finished: Promise<FinishedCandidate>;
  /** Resolves when no process and no file of its workers is left. */
  readonly ended: Promise<void>;
}

/** A picture that is good enough to be delivered, and what the caller should know about how it was made. */
export interface Drawing {
  readonly image: WorkerImage;
  readonly warnings: readonly string[];
}

/** Draws one candidate of a request, converts the picture to what was asked, and stores it. */
export function makeCandidate(
  parts: CandidateParts,
  context: GenerationContext,
  { index, signal }: CandidateOptions,
): Candidate {
  let ended = Promise.resolve();
  const finished = run();
  return { finished, ended: finished.then(() => ended, () => ended) };

  async function run(): Promise<FinishedCandidate> {
    const duration = startStopwatch();
    let attempt = 0;
    const drawing = await drawUntilGood(context, index, async (remind) => {
      await ended;
      attempt++;
      const worker = startAttempt(parts, context, {
        index,
        signal,
        attempt,
        remindReferences: remind,
      });
      ended = worker.ended;
      // Who waits for it is told; until somebody does, its failure must not end the process.
      ended.catch(() => {});
      return await worker.image;
    });
    return await finish(parts, context, { index, drawing, duration });
  }
}

/**
 * Draws until a picture is made from all originals and is unlike those of the other candidates, each with one more try.
 *
 * A picture that falls short is still delivered where the next try makes none, because it is paid for: not one without an
 * original where the request is to fail fast, and never one that another candidate has to the last byte.
 *
 * @param index The candidate, from 0.
 * @param draw Runs one worker; told whether to remind the model of the originals.
 * @throws {ApiError} What `draw` throws, {@linkcode MissingReferencesError} for a request that is to fail fast, and
 * `codex_no_image` for a picture that is the same twice.
 */
export async function drawUntilGood(
  context: Pick<GenerationContext, "pictures" | "references"> & {
    readonly request: Pick<GenerationContext["request"], "count" | "failFast">;
  },
  index: number,
  draw: (remindReferences: boolean) => Promise<WorkerImage>,
): Promise<Drawing> {
  const { pictures, references, request } = context;
  const duplicates: Duplicate[] = [];
  let remind = false;
  let incomplete: WorkerImage | undefined;
  while (true) {
    let image: WorkerImage;
    try {
      image = await draw(remind);
      if (references.length > 0 && (!remind || request.failFast)) {
        if (!request.failFast) incomplete = image;
        requireOriginals(references, (await image.facts).toolCalls);
      }
    } catch (error) {
      if (error instanceof MissingReferencesError && !remind) {
        remind = true;
        continue;
      }
      if (toApiError(error).code === "request_canceled") throw error;
      if (incomplete !== undefined) image = incomplete;
      else if (duplicates.some(({ equal }) => !equal)) break;
      else throw error;
    }
    incomplete = undefined;
    // There is nothing that a single picture could be like.
    if (request.count === 1) return { image, warnings: [] };
    const fingerprint = await takeFingerprint(image.bytes, index);
    const likeness = pictures.add(fingerprint);
    if (likeness === undefined) return { image, warnings: [] };
    duplicates.push({ image, fingerprint, ...likeness });
    if (duplicates.length === 2) break;
  }
  return keepDuplicate(pictures, index, duplicates);
}

/** A picture that is like one of another candidate. */
interface Duplicate {
  readonly image: WorkerImage;
  readonly fingerprint: Fingerprint;
  /** The other candidate, from 0. */
  readonly duplicateOf: number;
  /** Whether the two are the same to the last byte. */
  readonly equal: boolean;
}

function keepDuplicate(
  pictures: GenerationContext["pictures"],
  index: number,
  duplicates: readonly Duplicate[],
): Drawing {
  for (
    const { duplicateOf, equal, fingerprint, image } of duplicates.toReversed()
  ) {
    // Meanwhile another candidate may have come to the very same.
    if (equal || !pictures.keep(fingerprint)) continue;
    const [one, other] = [index + 1, duplicateOf + 1];
    return {
      image,
      warnings: [
        `Candidate ${one} looks much like candidate ${other}, although it was made twice`,
      ],
    };
  }
  throw new ApiError(
    "codex_no_image",
    `Codex made nothing but pictures that other candidates have, the first that of candidate ${
      duplicates[0].duplicateOf + 1
    }`,
  );
}

/** Runs one worker for one candidate, and logs how it went. */
function startAttempt(
  { codex, instance, log }: CandidateParts,
  context: GenerationContext,
  { attempt, index, remindReferences, signal }: CandidateOptions & {
    /** Counts the workers of the candidate, from 1. */
    readonly attempt: number;
    /** Whether an earlier worker left originals out. */
    readonly remindReferences: boolean;
  },
): { readonly image: Promise<WorkerImage>; readonly ended: Promise<void> } {
  const { id, references, request } = context;
  const name = `${index + 1}-${attempt}`;
  const duration = startStopwatch();
  const fields = {
    request_id: context.requestId,
    job: id,
    candidate: index + 1,
  };
  log("info", "codex.exec.start", { ...fields, attempt });
  const span = startWorkerSpan({ job: id, candidate: index + 1, attempt });
  const worker = codex.start({
    input: workerInput(context, index, remindReferences),
    images: references.map(({ path }) => path),
    directory: join(context.directory, name),
    workerTag: `${instance}.${id}.${name}`,
    onToolCall: (call) => {
      // The second time a picture without an original is better than none, unless the caller says no.
      const strict = !remindReferences || request.failFast;
      if (strict) requireOriginals(references, [call]);
      context.onProgress({ phase: "drawing", index });
    },
  }, signal);
  worker.started.then((begun) => {
    if (begun) context.onProgress({ phase: "started", index });
  });
  const image = worker.picture.then((image) => {
    // Whoever needs the summary is told where there is none.
    image.facts.then(({ usage }) => {
      context.usage.inputTokens += usage.inputTokens;
      context.usage.outputTokens += usage.outputTokens;
    }, () => {});
    const bytes = image.bytes.length;
    log("info", "codex.exec.success", {
      ...fields,
      duration_ms: duration(),
      bytes,
    });
    return image;
  }, (error) => {
    const { code } = toApiError(error);
    log("warn", "codex.exec.error", {
      ...fields,
      duration_ms: duration(),
      code,
    });
    span.fail(code);
    throw error;
  });
  return { image, ended: worker.ended.finally(() => span.end()) };
}

/** Turns a drawing into what was asked for, and stores it. */
async function finish(
  { codex, store }: CandidateParts,
  context: GenerationContext,
  { drawing, duration, index }: {
    readonly index: number;
    readonly drawing: Drawing;
    readonly duration: () => number;
  },
): Promise<FinishedCandidate> {
  const { references, request, target } = context;
  const { bytes } = drawing.image;
  const xmp = request.embedMetadata ? describeMaking(context) : undefined;
  // The CLI needs about as long for its record as we for the decoding.
  const [delivery, { revisedPrompt, toolCalls, usage }] = await Promise.all([
    convert(bytes, {
      size: target.size,
      fit: request.fit,
      format: request.outputFormat,
      compression: request.outputCompression,
      background: request.background,
      xmp: xmp?.packet,
    }),
    drawing.image.facts,
  ]);
  const receipts = readReferenceDelivery(references, toolCalls);
  const image = await save(store, {
    bytes: delivery.bytes,
    original: delivery.converted ? { bytes, mimeType: "image/png" } : undefined,
    metadata: {
      id: request.count === 1
        ? context.imageId
        : `${context.imageId}-${index + 1}`,
      generation_id: context.id,
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
      request: context.summary,
      prompt: request.prompt,
      revised_prompt: revisedPrompt ?? null,
      transparent: delivery.transparent,
      variation: VARIATIONS[index].name,
      duration_ms: duration(),
      codex_version: codex.version ?? "unknown",
      references: references.map(({ path: _, ...reference }, index) => ({
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
      ...target.warnings,
      ...referenceDeliveryWarnings(references, toolCalls),
      ...drawing.warnings,
      ...delivery.warnings,
      ...(xmp?.isCut ? [CUT_WARNING] : []),
      ...(image.waiting
        ? [
          `The output folder is away: "${image.path}" holds the image until the folder is back`,
        ]
        : []),
    ],
    usage,
  };
}

/** Writes for the delivered file how it was made. */
function describeMaking({ request, summary }: GenerationContext): Xmp {
  const { prompt: _, ...settings } = summary;
  return writeXmp({
    prompt: request.prompt,
    settings,
    model: MODEL,
    tool: `codex-image-server ${VERSION}`,
  });
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
    throw new ApiError(
      "insufficient_storage",
      `Cannot store the image: the system says ${error.code}`,
      { cause: error },
    );
  }
}

async function convert(
  ...args: Parameters<typeof convertImage>
): ReturnType<typeof convertImage> {
  try {
    return await convertImage(...args);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ApiError(
      "codex_no_image",
      `Codex left a picture that cannot be used: it ${error.message}`,
      { cause: error },
    );
  }
}

import { join } from "@std/path";
import { MODEL } from "../api/fields.ts";
import { REFERENCE_LIMITS } from "../api/references.ts";
import { formatSize } from "../api/size.ts";
import type { Codex } from "../codex/codex.ts";
import { writePrompt } from "../codex/prompt.ts";
import type { WorkerImage } from "../codex/worker.ts";
import { ApiError, toApiError } from "../errors.ts";
import { deliverImage } from "../images/deliver.ts";
import { ImageError } from "../images/info.ts";
import type { NewImage } from "../images/new_image.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import { startWorkerSpan } from "../telemetry/worker_span.ts";
import { startStopwatch } from "../util.ts";
import { takeFingerprint } from "./duplicates.ts";
import type {
  FinishedCandidate,
  GenerationContext,
  Usage,
} from "./generator.ts";
import { aspectPrompt, variationPrompt, VARIATIONS } from "./prompt.ts";
import {
  MASK_LINE,
  MissingReferencesError,
  readReferenceDelivery,
  referenceDeliveryWarnings,
  requireOriginals,
} from "./references.ts";

/** What workers are run with. */
export interface AttemptParts {
  readonly codex: Codex;
  readonly log: Log;
  /** What the marks of all workers of this server begin with. */
  readonly instance: string;
}

/** Which worker of a batch this is. */
export interface Attempt {
  /** Which candidate, from 0. */
  readonly index: number;
  /** Counts the workers of the candidate, from 1. */
  readonly attempt: number;
  /** Whether an earlier worker left originals out. */
  readonly remindReferences: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Runs one worker for one candidate.
 *
 * @returns The picture, and when nothing of the worker is left.
 */
export function runAttempt(
  { codex, instance, log }: AttemptParts,
  batch: GenerationContext,
  { index, attempt, remindReferences, signal }: Attempt,
): { readonly picture: Promise<WorkerImage>; readonly ended: Promise<void> } {
  const name = `${index + 1}-${attempt}`;
  const duration = startStopwatch();
  const fields = {
    request_id: batch.requestId,
    job: batch.id,
    candidate: index + 1,
  };
  log("info", "codex.exec.start", { ...fields, attempt });
  const span = startWorkerSpan({
    job: batch.id,
    candidate: index + 1,
    attempt,
  });
  const worker = codex.start({
    input: inputFor(batch, index, remindReferences),
    images: batch.references.map(({ path }) => path),
    directory: join(batch.directory, name),
    workerTag: `${instance}.${batch.id}.${name}`,
    onToolCall: (call) => {
      // The second time a picture without an original is better than none, unless the caller says no.
      const strict = !remindReferences || batch.request.failFast;
      if (strict) requireOriginals(batch.references, [call]);
      batch.onProgress({ phase: "drawing", index });
    },
  }, signal);
  worker.started.then((begun) => {
    if (begun) batch.onProgress({ phase: "started", index });
  });
  const picture = worker.picture.then((picture) => {
    // Whoever needs the facts is told where there are none.
    picture.facts.then(({ usage }) => addUsage(batch, usage), () => {});
    const bytes = picture.bytes.length;
    log("info", "codex.exec.success", {
      ...fields,
      duration_ms: duration(),
      bytes,
    });
    return picture;
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
  const ended = worker.ended.finally(() => span.end());
  return { picture, ended };
}

function addUsage({ usage }: GenerationContext, added: Readonly<Usage>): void {
  usage.inputTokens += added.inputTokens;
  usage.outputTokens += added.outputTokens;
}

function inputFor(
  batch: GenerationContext,
  index: number,
  remindReferences: boolean,
): string {
  const { request, target, references } = batch;
  const { background, prompt, quality } = request;
  const mentioned = references.map(({ path, label }) => ({ path, label }));
  return writePrompt({
    words: prompt,
    directions: [
      variationPrompt(index, request.count),
      ...(target.ratio === undefined ? [] : [aspectPrompt(target.ratio)]),
      ...(quality === "auto" ? [] : [`Quality: ${quality}.`]),
      ...(request.hasMask ? [MASK_LINE] : []),
    ],
    originals: mentioned.slice(0, REFERENCE_LIMITS.maxOriginals),
    seen: mentioned.slice(REFERENCE_LIMITS.maxOriginals),
    remindReferences,
    transparent: background === "auto"
      ? undefined
      : background === "transparent",
  });
}

/** The references of a request, and how strict it is about them. */
export interface Originals {
  readonly references: GenerationContext["references"];
  readonly request: Pick<GenerationContext["request"], "failFast">;
}

/**
 * Makes a picture from the original references, with a second attempt where Codex leaves some out.
 *
 * Where the second attempt makes no picture, the first one's is still better than none, unless the
 * request is to fail fast.
 *
 * @param work Makes a picture; told whether to remind the model of the originals.
 * @throws What the work throws, or {@linkcode MissingReferencesError} for a request that is to fail fast.
 */
export async function makeWithOriginals(
  { references, request }: Originals,
  work: (remindReferences: boolean) => Promise<WorkerImage>,
): Promise<WorkerImage> {
  const check = async ({ facts }: WorkerImage) => {
    if (references.length > 0) {
      requireOriginals(references, (await facts).toolCalls);
    }
  };
  let first: WorkerImage | undefined;
  try {
    first = await work(false);
    await check(first);
    return first;
  } catch (error) {
    if (!(error instanceof MissingReferencesError)) throw error;
  }
  try {
    const second = await work(true);
    if (request.failFast) await check(second);
    return second;
  } catch (error) {
    const isCanceled = toApiError(error).code === "request_canceled";
    if (first === undefined || request.failFast || isCanceled) throw error;
    return first;
  }
}

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
  readonly picture: WorkerImage;
  /** Tells how much time the candidate has taken so far, in milliseconds. */
  readonly duration: () => number;
  /** What the caller should know about how it was made. */
  readonly warnings: readonly string[];
}

/** Turns a picture into what was asked for, and stores it. */
export async function finishCandidate(
  { codex, store }: FinishParts,
  batch: GenerationContext,
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
  const receipts = readReferenceDelivery(batch.references, facts.toolCalls);
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
      ...referenceDeliveryWarnings(batch.references, facts.toolCalls),
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
    throw new ApiError(
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
    throw new ApiError(
      "codex_no_image",
      `Codex left a picture that cannot be used: it ${error.message}`,
      { cause: error },
    );
  }
}

/**
 * Makes a picture that no other candidate of the request has.
 *
 * One that another has to the last byte, or that looks like it, is made once more. What then only
 * looks alike is kept, because it is paid for; what is the same is worth nothing.
 *
 * @param index The candidate, from 0.
 * @param work Makes a picture.
 * @throws {ApiError} `codex_no_image`: it is the same twice.
 */
export async function makeDistinct(
  { pictures }: Pick<GenerationContext, "pictures">,
  index: number,
  work: () => Promise<WorkerImage>,
): Promise<Pick<MadePicture, "picture" | "warnings">> {
  const make = async () => {
    const picture = await work();
    return { picture, print: await takeFingerprint(picture.bytes, index) };
  };
  const first = await make();
  const likeness = pictures.add(first.print);
  if (likeness === undefined) return { picture: first.picture, warnings: [] };
  const second = await make().catch((error) => {
    const isCanceled = toApiError(error).code === "request_canceled";
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
    const other = `candidate ${like.duplicateOf + 1}`;
    return {
      picture: made.picture,
      warnings: [`${one} looks much like ${other}, although it was made twice`],
    };
  }
  throw new ApiError(
    "codex_no_image",
    `Codex made nothing but pictures that other candidates have, the first that of candidate ${
      likeness.duplicateOf + 1
    }`,
  );
}

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
  batch: GenerationContext,
  { index, signal }: CandidateOptions,
): Candidate {
  let ended = Promise.resolve();
  const finished = run();
  return { finished, ended: finished.then(() => ended, () => ended) };

  async function run(): Promise<FinishedCandidate> {
    const duration = startStopwatch();
    let attempt = 0;
    const work = async (remindReferences: boolean): Promise<WorkerImage> => {
      await ended;
      attempt++;
      const worker = runAttempt(parts, batch, {
        index,
        signal,
        attempt,
        remindReferences,
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

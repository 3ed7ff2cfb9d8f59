import { join } from "@std/path";
import type { Codex } from "../codex/codex.ts";
import { writePrompt } from "../codex/prompt.ts";
import type { WorkerPicture } from "../codex/worker.ts";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import { toFailure } from "../failure.ts";
import type { Log } from "../log.ts";
import { startStopwatch } from "../stopwatch.ts";
import { startWorkerSpan } from "../telemetry/worker_span.ts";
import type { Batch, Usage } from "./batch.ts";
import { MASK_LINE } from "./mask.ts";
import { requireOriginals } from "./receipts.ts";
import { shapeLine } from "./shape_words.ts";
import { variationLine } from "./variations.ts";

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
  readonly insist: boolean;
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
  batch: Batch,
  { index, attempt, insist, signal }: Attempt,
): { readonly picture: Promise<WorkerPicture>; readonly ended: Promise<void> } {
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
    input: inputFor(batch, index, insist),
    images: batch.references.map(({ path }) => path),
    directory: join(batch.directory, name),
    mark: `${instance}.${batch.id}.${name}`,
    onToolCall: (call) => {
      // The second time a picture without an original is better than none, unless the caller says no.
      const strict = !insist || batch.request.failFast;
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
    const { code } = toFailure(error);
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

function addUsage({ usage }: Batch, added: Readonly<Usage>): void {
  usage.inputTokens += added.inputTokens;
  usage.outputTokens += added.outputTokens;
}

function inputFor(batch: Batch, index: number, insist: boolean): string {
  const { request, target, references } = batch;
  const { background, prompt, quality } = request;
  const mentioned = references.map(({ path, label }) => ({ path, label }));
  return writePrompt({
    words: prompt,
    directions: [
      variationLine(index, request.count),
      ...(target.ratio === undefined ? [] : [shapeLine(target.ratio)]),
      ...(quality === "auto" ? [] : [`Quality: ${quality}.`]),
      ...(request.hasMask ? [MASK_LINE] : []),
    ],
    originals: mentioned.slice(0, REFERENCE_LIMITS.maxOriginals),
    seen: mentioned.slice(REFERENCE_LIMITS.maxOriginals),
    insist,
    transparent: background === "auto"
      ? undefined
      : background === "transparent",
  });
}

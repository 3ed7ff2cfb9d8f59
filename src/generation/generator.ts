import { join } from "@std/path";
import type { GenerateRequest } from "../api/generate_request.ts";
import {
  type RequestSummary,
  summarizeRequest,
} from "../api/request_summary.ts";
import { resolveTarget } from "../api/target.ts";
import { ApiError, toApiError } from "../errors.ts";
import type { StorageCheck } from "../storage/free_space.ts";
import { removeIfExists } from "../util.ts";
import {
  type Candidate,
  type CandidateParts,
  makeCandidate,
} from "./candidate.ts";
import { ImageSet } from "./duplicates.ts";
import type { FairQueue, OnMove, Reservation } from "./fair_queue.ts";
import type {
  FailedCandidate,
  FinishedCandidate,
  Generation,
  GenerationContext,
  Progress,
} from "./generation.ts";
import { PixelBudget } from "./pixel_budget.ts";
import { checkMask, placeReferences } from "./references.ts";

/** How many durations are remembered. */
const REMEMBERED = 50;

/** The durations of recent candidates, from which the next ones are estimated. */
export class Durations {
  readonly #recent: number[] = [];

  /** Adds the duration of a finished candidate, in milliseconds. */
  add(ms: number): void {
    this.#recent.push(ms);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  /** The median, in milliseconds; undefined before the first candidate has finished. */
  get median(): number | undefined {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

/** Who asks, and until when. */
export interface GenerateOptions {
  /** `gen_…` and a UUID. */
  readonly id: string;
  /** The request's id in the log. */
  readonly requestId: string;
  /** Ends the whole request. */
  readonly signal: AbortSignal;
  /** Ends one candidate each. */
  readonly candidateSignals: readonly AbortSignal[];
  /** Whether to wait for as long as it takes, also for the end of a usage limit. */
  readonly waitForQuota: boolean;
  /** Told when the request is accepted, and what is kept of it: its references are good and its places reserved. */
  readonly onAdmitted: (summary: RequestSummary) => void;
  /** Told of every step. */
  readonly onProgress: (progress: Progress) => void;
}

/** What a {@linkcode Generator} works with. */
export interface GeneratorParts extends CandidateParts {
  readonly durations: Durations;
  readonly slots: FairQueue;
  /** Makes sure that there is room for a picture before it is paid for. */
  readonly checkStorage: StorageCheck;
  /** Where requests keep their files while they run. */
  readonly workDir: string;
  /** How long a request may take, in milliseconds; one that waits for quota, each of its candidates. */
  readonly timeoutMs: number;
  /** Whether prompts are kept. */
  readonly storePrompts: boolean;
  /** Whether a usage limit stops all work until it is over. */
  readonly pauseOnUsageLimit: boolean;
  /** How many pixels the references of one request may have together. */
  readonly maxRequestPixels: number;
  /** How many pixels the largest references of all workers may have together. */
  readonly maxWorkerPixels: number;
}

/** Turns requests into stored images, many at a time. */
export class Generator {
  readonly #parts: GeneratorParts;
  readonly #stopping = new AbortController();
  readonly #pixels: PixelBudget;
  readonly #work = new Set<Promise<unknown>>();

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
    this.#pixels = new PixelBudget(parts.maxWorkerPixels);
  }

  /**
   * Makes the images of one request.
   *
   * What is finished when others fail is kept: it is paid for.
   *
   * @throws {ApiError} No image could be made: the failure of the first candidate.
   */
  async generate(
    request: GenerateRequest,
    options: GenerateOptions,
  ): Promise<Generation> {
    const {
      checkStorage,
      codex,
      maxRequestPixels,
      slots,
      store,
      storePrompts,
      workDir,
    } = this.#parts;
    this.#stopping.signal.throwIfAborted();
    await codex.requireSupported();
    await codex.requireLogin();
    await checkStorage();
    await slots.recheck();
    const { waitForQuota } = options;
    const tickets = slots.reserve(request.count, { waitForQuota });
    const ending = new AbortController();
    const timer = waitForQuota ? undefined : this.#endInTime(ending);
    const directory = join(workDir, options.id);
    let candidates: readonly Candidate[] = [];
    try {
      const references = await placeReferences(
        request.references,
        { directory: join(directory, "references"), maxRequestPixels, store },
      );
      if (request.hasMask) await checkMask(references);
      const summary = summarizeRequest(request, {
        references,
        keepPrompt: storePrompts,
      });
      const context: GenerationContext = {
        ...options,
        imageId: `codex-${crypto.randomUUID()}`,
        // The references are on disk by now; in memory they can be 100 MB.
        request: { ...request, references: [] },
        summary,
        target: resolveTarget({ ...request, firstReference: references[0] }),
        references,
        directory,
        pictures: new ImageSet(),
        usage: { inputTokens: 0, outputTokens: 0 },
      };
      options.onAdmitted(summary);
      const signals = [options.signal, this.#stopping.signal, ending.signal];
      candidates = tickets.map((ticket, index) => {
        const own = options.candidateSignals.slice(index, index + 1);
        const signal = AbortSignal.any([...signals, ...own]);
        return this.#candidate(context, ticket, {
          index,
          signal,
          waitForQuota,
        });
      });
      return await this.#gather(context, candidates, ending);
    } finally {
      clearTimeout(timer);
      this.#track(this.#cleanUp(directory, tickets, candidates));
    }
  }

  /** Ends all work; whoever waits for it is told that the server shuts down. */
  stop(): void {
    this.#stopping.abort(
      new ApiError("shutting_down", "The server is shutting down", {
        retryAfter: 5,
      }),
    );
  }

  /** Resolves when nothing of any request is left: no process, no file, no place taken. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #candidate(
    context: GenerationContext,
    ticket: Reservation,
    { index, waitForQuota, signal }: {
      readonly index: number;
      readonly waitForQuota: boolean;
      readonly signal: AbortSignal;
    },
  ): Candidate {
    const onMove: OnMove = (position, paused) =>
      context.onProgress({ phase: "queued", index, position, paused });
    const made = ticket.ready(signal, onMove).then(async () => {
      const pixels = context.references.map(({ width, height }) =>
        width * height
      );
      const share = await this.#pixels.take(Math.max(0, ...pixels), signal);
      using unlessMade = new DisposableStack();
      unlessMade.use(share);
      // The disk may have filled up while it waited.
      await this.#parts.checkStorage();
      // Who waits for as long as it takes has a time limit for the work alone.
      const late = new AbortController();
      const timer = waitForQuota ? this.#endInTime(late) : undefined;
      const candidate = makeCandidate(this.#parts, context, {
        index,
        signal: AbortSignal.any([signal, late.signal]),
      });
      candidate.finished.then(() => ticket.succeed(), () => {});
      const held = unlessMade.move();
      held.defer(() => clearTimeout(timer));
      const end = () => held.dispose();
      candidate.ended.then(end, end);
      return candidate;
    });
    const ended = made.then(({ ended }) => ended, () => {})
      .finally(() => ticket.release());
    this.#track(ended);
    return { finished: made.then(({ finished }) => finished), ended };
  }

  async #gather(
    context: GenerationContext,
    candidates: readonly Candidate[],
    ending: AbortController,
  ): Promise<Generation> {
    const finished: FinishedCandidate[] = [];
    const failed: FailedCandidate[] = [];
    await Promise.all(candidates.map(async (waiting, index) => {
      try {
        const candidate = await waiting.finished;
        finished.push(candidate);
        this.#parts.durations.add(candidate.image.sidecar.duration_ms);
        context.onProgress({ phase: "saved", index, candidate });
      } catch (error) {
        const failure = toApiError(error);
        failed.push({ index, failure });
        this.#noteFailure(context, failure);
        const canceled = failure.code === "request_canceled";
        const phase = canceled ? "canceled" : "failed";
        context.onProgress({ phase, index, failure });
        if (context.request.failFast) ending.abort(failure);
      }
    }));
    const earliest = failed[0]?.failure;
    finished.sort((a, b) => a.index - b.index);
    failed.sort((a, b) => a.index - b.index);
    if (context.request.failFast && earliest !== undefined) throw earliest;
    if (finished.length === 0) throw failed[0].failure;
    const { id, pictures, references, request, usage } = context;
    const { smallestDistance } = pictures;
    return {
      id,
      request,
      finished,
      failed,
      references,
      smallestDistance,
      usage,
    };
  }

  #noteFailure(context: GenerationContext, failure: ApiError): void {
    const { log, pauseOnUsageLimit, slots } = this.#parts;
    const { code, retryAfter } = failure;
    if (code === "internal_error") {
      log("error", "generate.internal_error", {
        request_id: context.requestId,
        job: context.id,
        reason: String(failure.cause),
      });
    }
    if (!pauseOnUsageLimit || code !== "usage_limit_reached") return;
    if (retryAfter === undefined) return;
    slots.pause(Date.now() + retryAfter * 1000, failure);
    log("warn", "queue.pause", { seconds: retryAfter });
  }

  #endInTime(ending: AbortController): ReturnType<typeof setTimeout> {
    const { timeoutMs } = this.#parts;
    return setTimeout(() => {
      const message = `Codex did not finish within ${timeoutMs} ms`;
      ending.abort(new ApiError("codex_timeout", message));
    }, timeoutMs);
  }

  async #cleanUp(
    directory: string,
    tickets: readonly Reservation[],
    candidates: readonly Candidate[],
  ): Promise<void> {
    // Without candidates nobody else gives the places back.
    if (candidates.length === 0) tickets.forEach((ticket) => ticket.release());
    await Promise.allSettled(candidates.map(({ ended }) => ended));
    await removeIfExists(directory);
  }

  #track(work: Promise<unknown>): void {
    const settled = work.catch((error) => {
      this.#parts.log("error", "generate.cleanup_failed", {
        reason: String(error),
      });
    });
    this.#work.add(settled);
    settled.finally(() => this.#work.delete(settled));
  }
}

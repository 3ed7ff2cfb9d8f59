import { join } from "@std/path";
import type { GenerateRequest } from "../contract/request.ts";
import { resolveTarget } from "../contract/target.ts";
import { Failure, toFailure } from "../failure.ts";
import { removeIfThere } from "../remove.ts";
import type { StorageCheck } from "../storage_check.ts";
import type { Batch, FinishedCandidate } from "./batch.ts";
import {
  type Candidate,
  type CandidateParts,
  makeCandidate,
} from "./candidate.ts";
import type { Durations } from "./durations.ts";
import type {
  FailedCandidate,
  GenerateContext,
  Generation,
} from "./generation.ts";
import { checkMask } from "./mask.ts";
import { PictureSet } from "./picture_set.ts";
import { writeReferences } from "./references.ts";
import type { Slots, Ticket } from "./slots.ts";

/** What a {@linkcode Generator} works with. */
export interface GeneratorParts extends CandidateParts {
  readonly durations: Durations;
  readonly slots: Slots;
  /** Makes sure that there is room for a picture before it is paid for. */
  readonly checkStorage: StorageCheck;
  /** Where requests keep their files while they run. */
  readonly workDir: string;
  /** How long a request may take, in milliseconds; a patient one, each of its candidates. */
  readonly timeoutMs: number;
  /** Whether a usage limit stops all work until it is over. */
  readonly pauseOnUsageLimit: boolean;
}

/** Turns requests into stored images, many at a time. */
export class Generator {
  readonly #parts: GeneratorParts;
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
  }

  /**
   * Makes the images of one request.
   *
   * What is finished when others fail is kept: it is paid for.
   *
   * @throws {Failure} No image could be made: the failure of the first candidate.
   */
  async generate(
    request: GenerateRequest,
    context: GenerateContext,
  ): Promise<Generation> {
    const { checkStorage, codex, slots, workDir } = this.#parts;
    this.#stopping.signal.throwIfAborted();
    await codex.requireLogin();
    await checkStorage();
    const { patient } = context;
    const tickets = slots.reserve(request.count, { patient });
    const ending = new AbortController();
    const timer = patient ? undefined : this.#endInTime(ending);
    const directory = join(workDir, context.id);
    let candidates: readonly Candidate[] = [];
    try {
      const references = await writeReferences(
        request.references,
        join(directory, "references"),
      );
      if (request.hasMask) await checkMask(references);
      const batch: Batch = {
        ...context,
        imageId: `codex-${crypto.randomUUID()}`,
        // The references are on disk by now; in memory they can be 100 MB.
        request: { ...request, references: [] },
        target: resolveTarget({ ...request, firstReference: references[0] }),
        references,
        directory,
        pictures: new PictureSet(),
        usage: { inputTokens: 0, outputTokens: 0 },
      };
      context.onAdmitted();
      const signals = [context.signal, this.#stopping.signal, ending.signal];
      candidates = tickets.map((ticket, index) => {
        const own = context.candidateSignals.slice(index, index + 1);
        const signal = AbortSignal.any([...signals, ...own]);
        return this.#candidate(batch, ticket, { index, signal, patient });
      });
      return await this.#gather(batch, candidates, ending);
    } finally {
      clearTimeout(timer);
      this.#track(this.#cleanUp(directory, tickets, candidates));
    }
  }

  /** Ends all work; whoever waits for it is told that the server shuts down. */
  stop(): void {
    this.#stopping.abort(
      new Failure("shutting_down", "The server is shutting down", {
        retryAfter: 5,
      }),
    );
  }

  /** Resolves when nothing of any request is left: no process, no file, no place taken. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #candidate(
    batch: Batch,
    ticket: Ticket,
    { index, patient, signal }: {
      readonly index: number;
      readonly patient: boolean;
      readonly signal: AbortSignal;
    },
  ): Candidate {
    const onMove = (position: number) =>
      batch.onProgress({ phase: "queued", index, position });
    const made = ticket.ready(signal, onMove).then(async () => {
      // The disk may have filled up while it waited.
      await this.#parts.checkStorage();
      // Who waits for as long as it takes has a time limit for the work alone.
      const late = new AbortController();
      const timer = patient ? this.#endInTime(late) : undefined;
      const candidate = makeCandidate(this.#parts, batch, {
        index,
        signal: AbortSignal.any([signal, late.signal]),
      });
      const stopTimer = () => clearTimeout(timer);
      candidate.ended.then(stopTimer, stopTimer);
      return candidate;
    });
    const ended = made.then(({ ended }) => ended, () => {})
      .finally(() => ticket.release());
    this.#track(ended);
    return { finished: made.then(({ finished }) => finished), ended };
  }

  async #gather(
    batch: Batch,
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
        batch.onProgress({ phase: "saved", index, candidate });
      } catch (error) {
        const failure = toFailure(error);
        failed.push({ index, failure });
        this.#noteFailure(batch, failure);
        const canceled = failure.code === "request_canceled";
        const phase = canceled ? "canceled" : "failed";
        batch.onProgress({ phase, index, failure });
        if (batch.request.failFast) ending.abort(failure);
      }
    }));
    const earliest = failed[0]?.failure;
    finished.sort((a, b) => a.index - b.index);
    failed.sort((a, b) => a.index - b.index);
    if (batch.request.failFast && earliest !== undefined) throw earliest;
    if (finished.length === 0) throw failed[0].failure;
    const { id, pictures, references, request, usage } = batch;
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

  #noteFailure(batch: Batch, failure: Failure): void {
    const { log, pauseOnUsageLimit, slots } = this.#parts;
    const { code, retryAfter } = failure;
    if (code === "internal_error") {
      log("error", "generate.internal_error", {
        request_id: batch.requestId,
        job: batch.id,
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
      ending.abort(new Failure("codex_timeout", message));
    }, timeoutMs);
  }

  async #cleanUp(
    directory: string,
    tickets: readonly Ticket[],
    candidates: readonly Candidate[],
  ): Promise<void> {
    // Without candidates nobody else gives the places back.
    if (candidates.length === 0) tickets.forEach((ticket) => ticket.release());
    await Promise.allSettled(candidates.map(({ ended }) => ended));
    await removeIfThere(directory);
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

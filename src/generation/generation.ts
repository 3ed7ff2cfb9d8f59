import type { GenerateRequest } from "../api/generate_request.ts";
import type { RequestSummary } from "../api/request_summary.ts";
import type { Target } from "../api/target.ts";
import type { ApiError } from "../errors.ts";
import type { StoredImage } from "../images/store.ts";
import type { ImageSet } from "./duplicates.ts";
import type { QueuePause } from "./fair_queue.ts";
import type { Reference, ReferenceDelivery } from "./references.ts";

/** A request under way, as its candidates see it. */
export interface GenerationContext {
  /** `gen_…` */
  readonly id: string;
  /** The part that the ids of its images share: `codex-<uuid>`. */
  readonly imageId: string;
  /** What is asked. */
  readonly request: GenerateRequest;
  /** The same, as it is kept. */
  readonly summary: RequestSummary;
  /** What size and shape that means. */
  readonly target: Target;
  /** The references, on disk. */
  readonly references: readonly Reference[];
  /** A directory of its own. */
  readonly directory: string;
  /** The request's id in the log. */
  readonly requestId: string;
  /** The pictures so far, so that no two are the same. */
  readonly pictures: ImageSet;
  /** Tokens that the chat model used, added up as candidates finish. */
  readonly usage: Usage;
  /** Told of every step. */
  readonly onProgress: (progress: Progress) => void;
}

/** Tokens of the chat model. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
}

/** A candidate that is finished and stored. */
export interface FinishedCandidate {
  /** Which of the request's candidates, from 0. */
  readonly index: number;
  /** The stored image. */
  readonly image: StoredImage;
  /** How each reference reached the models. */
  readonly receipts: readonly ReferenceDelivery[];
  /** What the caller should know about it. */
  readonly warnings: readonly string[];
  /** Tokens of the chat model for it alone. */
  readonly usage: Readonly<Usage>;
}

/** A step of one candidate; `index` counts the request's candidates from 0. */
export type Progress =
  | {
    readonly phase: "queued";
    readonly index: number;
    /** The place in the queue, from 1. */
    readonly position: number;
    /** What all wait for. */
    readonly paused?: QueuePause;
  }
  | { readonly phase: "started"; readonly index: number }
  | { readonly phase: "drawing"; readonly index: number }
  | {
    readonly phase: "saved";
    readonly index: number;
    readonly candidate: FinishedCandidate;
  }
  | {
    readonly phase: "failed" | "canceled";
    readonly index: number;
    readonly failure: ApiError;
  };

/** A candidate that failed. */
export interface FailedCandidate {
  /** Which of the request's candidates, from 0. */
  readonly index: number;
  /** Why. */
  readonly failure: ApiError;
}

/** What became of a request. */
export interface Generation {
  /** `gen_…` */
  readonly id: string;
  /** What was asked. */
  readonly request: GenerateRequest;
  /** At least one, in the order of the candidates. */
  readonly finished: readonly FinishedCandidate[];
  /** The rest, in the order of the candidates. */
  readonly failed: readonly FailedCandidate[];
  /** The references as they were used. */
  readonly references: readonly Reference[];
  /** How far apart the two most alike pictures are, in bits of a 64-bit perceptual hash; undefined for a single one. */
  readonly smallestDistance: number | undefined;
  /** Tokens of the chat model. */
  readonly usage: Usage;
}

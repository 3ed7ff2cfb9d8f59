import type { GenerateRequest } from "../contract/request.ts";
import type { Failure } from "../failure.ts";
import type { FinishedCandidate, Usage } from "./batch.ts";
import type { Progress } from "./progress.ts";
import type { Reference } from "./references.ts";

/** A candidate that failed. */
export interface FailedCandidate {
  /** Which of the request's candidates, from 0. */
  readonly index: number;
  /** Why. */
  readonly failure: Failure;
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

/** Who asks, and until when. */
export interface GenerateContext {
  /** `gen_…` and a UUID. */
  readonly id: string;
  /** The request's id in the log. */
  readonly requestId: string;
  /** Ends the whole request. */
  readonly signal: AbortSignal;
  /** Ends one candidate each. */
  readonly candidateSignals: readonly AbortSignal[];
  /** Whether to wait for as long as it takes, also for the end of a usage limit. */
  readonly patient: boolean;
  /** Told when the request is accepted: its references are good and its places reserved. */
  readonly onAdmitted: () => void;
  /** Told of every step. */
  readonly onProgress: (progress: Progress) => void;
}

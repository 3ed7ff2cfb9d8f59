import type { GenerateRequest } from "../contract/request.ts";
import type { Target } from "../contract/target.ts";
import type { StoredImage } from "../images/store.ts";
import type { PictureSet } from "./picture_set.ts";
import type { Progress } from "./progress.ts";
import type { Delivered } from "./receipts.ts";
import type { Reference } from "./references.ts";

/** A request under way, as its candidates see it. */
export interface Batch {
  /** `gen_…` */
  readonly id: string;
  /** The part that the ids of its images share: `codex-<uuid>`. */
  readonly imageId: string;
  /** What is asked. */
  readonly request: GenerateRequest;
  /** What size and shape that means. */
  readonly target: Target;
  /** The references, on disk. */
  readonly references: readonly Reference[];
  /** A directory of its own. */
  readonly directory: string;
  /** The request's id in the log. */
  readonly requestId: string;
  /** The pictures so far, so that no two are the same. */
  readonly pictures: PictureSet;
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
  readonly receipts: readonly Delivered[];
  /** What the caller should know about it. */
  readonly warnings: readonly string[];
  /** Tokens of the chat model for it alone. */
  readonly usage: Readonly<Usage>;
}

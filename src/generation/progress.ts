import type { Failure } from "../failure.ts";
import type { FinishedCandidate } from "./batch.ts";

/** A step of one candidate; `index` counts the request's candidates from 0. */
export type Progress =
  | {
    readonly phase: "queued";
    readonly index: number;
    /** The place in the queue, from 1. */
    readonly position: number;
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
    readonly failure: Failure;
  };

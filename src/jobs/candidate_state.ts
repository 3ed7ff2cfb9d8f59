import type { Progress } from "../generation/progress.ts";

/** How far one candidate has come, as it is told and kept. */
export interface CandidateState {
  /** Which of the request's candidates, from 0. */
  readonly index: number;
  /** The last step. */
  readonly phase: Progress["phase"];
  /** The place in the queue, from 1, while it waits. */
  readonly position?: number;
  /** When it came up, in milliseconds since 1970. */
  readonly startedAt?: number;
  /** When it was done, in milliseconds since 1970. */
  readonly endedAt?: number;
  /** The stored image. */
  readonly imageId?: string;
  /** Why there is none. */
  readonly code?: string;
  /** The same for people. */
  readonly message?: string;
}

/** Makes the state of a candidate that has done nothing yet. */
export function newCandidate(index: number): CandidateState {
  return { index, phase: "queued" };
}

/**
 * Takes a candidate one step further.
 *
 * @param now In milliseconds since 1970.
 */
export function advance(
  state: CandidateState,
  progress: Progress,
  now: number,
): CandidateState {
  const { index, phase } = progress;
  const startedAt = state.startedAt ?? (phase === "queued" ? undefined : now);
  switch (phase) {
    case "queued":
      return { index, phase, position: progress.position };
    case "started":
    case "drawing":
      return { index, phase, startedAt };
    case "saved": {
      const imageId = progress.candidate.image.sidecar.id;
      return { index, phase, startedAt, endedAt: now, imageId };
    }
    default: {
      const { code, message } = progress.failure;
      return { index, phase, startedAt, endedAt: now, code, message };
    }
  }
}

/** A candidate as callers see it. */
export interface CandidateView {
  readonly index: number;
  readonly phase: Progress["phase"];
  readonly position: number | null;
  /** Milliseconds since it came up; null while it waits. */
  readonly elapsed_ms: number | null;
  /** Milliseconds until it may be done, by the median of recent ones; null where nothing is known or left. */
  readonly estimate_ms: number | null;
  readonly image_id: string | null;
  readonly code: string | null;
  readonly message: string | null;
}

/**
 * Shows a candidate to callers.
 *
 * @param median What recent candidates took, in milliseconds.
 * @param now In milliseconds since 1970.
 */
export function viewCandidate(
  state: CandidateState,
  median: number | undefined,
  now: number,
): CandidateView {
  const { startedAt, endedAt } = state;
  // Somebody may have set the clock back.
  const elapsed = startedAt === undefined
    ? null
    : Math.max(0, (endedAt ?? now) - startedAt);
  const estimate = median === undefined || endedAt !== undefined
    ? null
    : Math.max(0, median - (elapsed ?? 0));
  return {
    index: state.index,
    phase: state.phase,
    position: state.position ?? null,
    elapsed_ms: elapsed,
    estimate_ms: estimate,
    image_id: state.imageId ?? null,
    code: state.code ?? null,
    message: state.message ?? null,
  };
}

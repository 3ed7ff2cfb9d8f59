/** How far a candidate of a run is, in words and as a part of its way. */
import type { Draft } from "./draft.ts";
import { clockOf, placeOf, shorten, whenOf } from "./format.ts";
import { isGone } from "./library.ts";
import type { Run, Slot } from "./runs.ts";
import { draftFrom } from "./records.ts";
import { ratioOf } from "./sizes.ts";

/** The shape of a slot whose picture may get any. */
const USUAL_RATIO = 4 / 3;

/** Names of failures that say more than their codes. */
const REASONS: Readonly<Record<string, string>> = {
  codex_exec_failed: "Codex failed",
  codex_login_required: "Codex is not logged in",
  codex_no_image: "Codex made no picture",
  codex_spawn_failed: "Codex did not start",
  codex_timeout: "It took too long",
  codex_unreachable: "Codex cannot reach its service",
  codex_unsupported: "This Codex is too old",
  image_tool_unavailable: "Codex has no image tool",
  insufficient_storage: "The disk is full",
  model_refused: "The model answered in words",
  moderation_blocked: "Blocked by the safety system",
  queue_full: "The queue is full",
  rate_limit_exceeded: "Too many at once",
  server_restarted: "The server was restarted",
  shutting_down: "The server was stopped",
  usage_limit_reached: "Usage limit reached",
};

/** What a slot shows. */
export type SlotState =
  | { readonly kind: "waiting"; readonly words: string }
  | { readonly kind: "working"; readonly words: string; readonly part: number }
  | { readonly kind: "saved"; readonly id: string }
  | {
    readonly kind: "failed";
    readonly title: string;
    readonly words: string;
  }
  | { readonly kind: "canceled" }
  | { readonly kind: "deleted" };

/**
 * Tells what a slot shows.
 *
 * @param now In milliseconds of the page's clock.
 */
export function stateOf(run: Run, slot: Slot, now: number): SlotState {
  const { code, image_id, message, phase } = slot.candidate;
  if (image_id !== null) {
    return isGone(image_id)
      ? { kind: "deleted" }
      : { kind: "saved", id: image_id };
  }
  if (phase === "canceled" || run.canceling) return { kind: "canceled" };
  if (phase === "failed") return failure(code ?? "", message ?? "");
  if (run.job?.ended_at != null) {
    const { error, status } = run.job;
    if (status === "canceled") return { kind: "canceled" };
    return failure(error?.code ?? "", error?.message ?? "It did not start");
  }
  if (phase === "queued") return { kind: "waiting", words: waitOf(run, slot) };
  const since = now - slot.seenAt;
  const elapsed = (slot.candidate.elapsed_ms ?? 0) + since;
  const { estimate_ms } = slot.candidate;
  const left = estimate_ms === null ? undefined : estimate_ms - since;
  const verb = phase === "started" ? "Starting" : "Drawing";
  const about = left !== undefined && left > 1_000
    ? `, about ${clockOf(left)} left`
    : "";
  return {
    kind: "working",
    words: `${verb}, ${clockOf(elapsed)}${about}`,
    part: left === undefined
      ? phase === "started" ? 0.1 : 0.5
      : Math.min(0.95, elapsed / (elapsed + Math.max(0, left))),
  };
}

/** Tells the shape of a run's pictures: as asked for, or as it is known to be. */
export function ratioOfRun(run: Run): number {
  const made = run.job?.answer?.resolved_size;
  const { references, settings } = run.draft ??
    (run.job === undefined ? emptyDraft() : draftFrom(run.job.request));
  const [first] = references;
  if (settings.size === "exact") {
    return clamp(settings.width / settings.height);
  }
  const shape = settings.shape === "custom" ? settings.ratio : settings.shape;
  const isAsFirst = shape === "reference" || settings.size === "reference";
  if (isAsFirst && first !== undefined && first.width > 0) {
    return clamp(first.width / first.height);
  }
  return clamp(ratioOf(shape) ?? ratioOf(made ?? "") ?? USUAL_RATIO);
}

/** Says what a picture shows, for those who do not see it. */
export function altOf(index: number, prompt: string | undefined): string {
  const candidate = `Candidate ${index + 1}`;
  return prompt ? `${candidate} of: ${shorten(prompt, 120)}` : candidate;
}

function waitOf({ job }: Run, { candidate }: Slot): string {
  if (job === undefined) return "Sending";
  const waiting = candidate.waiting ?? job.waiting;
  if (waiting !== null) {
    const reason = waiting.code === "usage_limit_reached"
      ? "Waits for the usage limit"
      : "Waits";
    return `${reason} until ${whenOf(new Date(waiting.until))} at the latest`;
  }
  return candidate.position === null
    ? "Waiting"
    : `${placeOf(candidate.position)} in line`;
}

function failure(code: string, words: string): SlotState {
  return { kind: "failed", title: REASONS[code] ?? "It failed", words };
}

function emptyDraft(): Draft {
  return draftFrom({});
}

function clamp(ratio: number): number {
  return Math.min(3, Math.max(1 / 3, ratio));
}

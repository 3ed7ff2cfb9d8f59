import { isOpaque, isTransparent } from "./alpha.ts";
import type { DeliveryPlan, DeliveryWish } from "./delivery_plan.ts";
import type { Examined } from "./examine.ts";
import type { PixelSize } from "./fit.ts";

const MAX_QUIET_SCALE = 2;

/** What was asked, made, done and delivered. */
export interface DeliveryFacts {
  /** What was asked for. */
  readonly wish: DeliveryWish;
  /** The picture that Codex made. */
  readonly native: Examined;
  /** What was done to it. */
  readonly plan: DeliveryPlan;
  /** The picture that is delivered. */
  readonly delivered: Examined;
}

/** Says, in sentences for the caller, where the delivered picture is less than what was asked for. */
export function listWarnings(facts: DeliveryFacts): string[] {
  return [
    warnOfSize(facts),
    warnOfFlattening(facts),
    warnOfBackground(facts),
  ].filter((warning) => warning !== undefined);
}

function warnOfSize({ wish, native, plan }: DeliveryFacts): string | undefined {
  const { resize } = plan;
  if (wish.size === undefined || resize === null) return undefined;
  const made = formatSize(native);
  const asked = formatSize(wish.size);
  if (resize.fit === "none") {
    return `Asked for ${asked}, delivered ${made} as made, because fit is "none"`;
  }
  if (resize.scale <= MAX_QUIET_SCALE) return undefined;
  const times = Number(resize.scale.toFixed(1));
  return `Scaled up ${times} times: Codex made ${made}, and ${asked} was asked for`;
}

function warnOfFlattening(
  { wish, native, plan }: DeliveryFacts,
): string | undefined {
  if (!plan.flatten || native.alpha === undefined || isOpaque(native.alpha)) {
    return undefined;
  }
  const reason = wish.background === "opaque"
    ? 'background is "opaque"'
    : "JPEG has no transparency";
  return `Put on white: Codex made the picture with transparent parts, and ${reason}`;
}

function warnOfBackground(
  { wish, native, delivered }: DeliveryFacts,
): string | undefined {
  if (wish.background !== "transparent") return undefined;
  if (delivered.alpha === undefined || !isTransparent(delivered.alpha)) {
    return "Asked for a transparent background, and the delivered picture has none";
  }
  if (native.alpha === undefined || !isTransparent(native.alpha)) {
    return "Asked for a transparent background, and only the padding is transparent";
  }
  return undefined;
}

function formatSize({ width, height }: PixelSize): string {
  return `${width}x${height}`;
}

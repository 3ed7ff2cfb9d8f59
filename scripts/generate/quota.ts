import type { UsageView } from "../../src/api/server_schemas.ts";
import type { Options } from "./options.ts";
import { ask, Trouble } from "./server.ts";

/** How long the question may take, in milliseconds; it is the last thing that a person waits for. */
const ANSWER_MS = 5_000;
const DAY_MS = 86_400_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 1_440;

/** Says how much of the quota is used, in one line; nothing where the server cannot tell. */
export async function readQuotaLine(
  options: Options,
): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await ask(options, "/v1/usage", { signal });
    return quotaLine(await response.json());
  } catch (error) {
    // The images are there, and the server says what is wrong where somebody asks for it.
    if (error instanceof Trouble || error instanceof DOMException) return;
    throw error;
  }
}

/** Writes what {@linkcode readQuotaLine} says. */
export function quotaLine({ images, windows }: UsageView): string | undefined {
  if (windows.length === 0) return undefined;
  const parts = windows.map((window) => {
    const name = window.limit === "codex" ? "" : `${window.limit} `;
    const resets = window.resets_at === null
      ? ""
      : `, resets ${timeOf(window.resets_at)}`;
    const used = Math.round(window.used_percent);
    return `${name}${lengthOf(window.minutes)} ${used} % used${resets}`;
  });
  const cost = images === null
    ? ""
    : `; about ${images.percent_per_image} % an image`;
  return `Quota: ${parts.join("; ")}${cost}`;
}

/** Writes a time for people: the hour, and the day where it is another one. */
export function timeOf(iso: string, now: number = Date.now()): string {
  const date = new Date(iso);
  const isNear = Math.abs(date.getTime() - now) < DAY_MS;
  return date.toLocaleString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(isNear ? {} : { day: "numeric", month: "short" }),
  });
}

function lengthOf(minutes: number): string {
  if (minutes >= DAY_MINUTES) return `${Math.round(minutes / DAY_MINUTES)} d`;
  return `${Math.round(minutes / HOUR_MINUTES)} h`;
}

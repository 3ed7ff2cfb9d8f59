/** What is known of the server: what it can do, whether it is well, and how much of the plan is left. */
import { computed, signal } from "@preact/signals";
import { getIfThere, key, keyNeeded, online, send } from "./api.ts";
import type { Timer } from "./dom.ts";
import type { Capabilities, Health, Ready, Usage } from "./contract.ts";

const WELL_MS = 60_000;
const UNWELL_MS = 5_000;

/** What the form needs to know of it. */
type Known =
  & Pick<
    Capabilities,
    | "max_images"
    | "output_formats"
    | "qualities"
    | "ratio_options"
    | "references"
  >
  & Partial<Pick<Capabilities, "output_size_constraints">>;

/** Until the server has told its own. */
const USUAL: Known = {
  max_images: 4,
  ratio_options: [
    "1:1",
    "16:9",
    "9:16",
    "3:2",
    "2:3",
    "4:3",
    "3:4",
    "4:5",
    "5:4",
    "21:9",
  ],
  output_formats: ["png", "jpeg", "webp"],
  qualities: ["auto", "high", "medium", "low"],
  references: {
    mode: "original_image",
    max_images: 16,
    max_originals: 5,
    max_bytes: 52_428_800,
    max_pixels: 100_000_000,
    max_total_pixels: 400_000_000,
    formats: ["image/png", "image/jpeg", "image/webp"],
  },
};

export const capabilities = signal(USUAL);
export const health = signal<Health>();
export const usage = signal<Usage>();
const ready = signal<Ready>();

/** What is not in order, by name. */
export const troubles = computed(() =>
  (ready.value?.checks ?? []).filter(({ ok }) => !ok)
);

let timer: Timer;

/** Asks whether a key is needed, without which the server is asked for nothing else, and then what it can do. */
export async function meetServer(): Promise<void> {
  health.value = await getIfThere<Health>("healthz");
  if (health.value?.auth_required && key.value === "") keyNeeded.value = true;
  if (!keyNeeded.value) void meetCapabilities();
}

/** Looks whether the server is well, and then again: every five seconds while it is not. */
export async function lookAgain(): Promise<void> {
  clearTimeout(timer);
  if (!document.hidden && !keyNeeded.value) {
    ready.value = await fetchReady();
    if (online.value) usage.value = await getIfThere<Usage>("v1/usage");
  }
  clearTimeout(timer);
  const unwell = !online.value || troubles.value.length > 0 ||
    usage.value?.paused != null;
  timer = setTimeout(lookAgain, unwell ? UNWELL_MS : WELL_MS);
}

/** Ends the pause after a usage limit. */
export async function resume(): Promise<void> {
  await send("v1/queue/resume", { method: "POST" });
  await lookAgain();
}

async function meetCapabilities(): Promise<void> {
  const answer = await getIfThere<Capabilities>("v1/capabilities");
  if (answer !== undefined) capabilities.value = answer;
}

// It answers 503 where something is not in order, which is no failure of ours.
async function fetchReady(): Promise<Ready | undefined> {
  const headers: HeadersInit = key.value === ""
    ? {}
    : { "x-api-key": key.value };
  try {
    const response = await fetch("readyz", { headers });
    online.value = true;
    return await response.json();
  } catch {
    online.value = false;
    return undefined;
  }
}

/** The page's clock, which goes while something is drawn and seen. */
import { effect, signal } from "@preact/signals";
import type { Timer } from "./dom.ts";
import { isRunning, runs } from "./runs.ts";

const TICK_MS = 1_000;

/** In milliseconds, as `performance.now()` tells them. */
export const now = signal(performance.now());

/** Lets the clock go from now on. */
export function startClock(): void {
  let timer: Timer;
  effect(() => {
    clearInterval(timer);
    if (!runs.value.some(({ value }) => isRunning(value))) return;
    timer = setInterval(() => {
      if (!document.hidden) now.value = performance.now();
    }, TICK_MS);
  });
}

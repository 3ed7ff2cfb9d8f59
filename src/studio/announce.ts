/** What is read out: how far a run is, seldom; and every failure. */
import { effect, signal } from "@preact/signals";
import { div, type Timer, type View } from "./dom.ts";
import { stateOf } from "./run_slots.ts";
import { isRunning, type Run, runs } from "./runs.ts";

const QUIET_MS = 5_000;
const TITLE = "Image studio";

const progress = signal("");
const failure = signal("");

/** Where it is read from. */
export function Announcements(): View {
  return div(
    { class: "unseen" },
    div({ role: "status", id: "progress" }, progress.value),
    div({ role: "alert", id: "failures" }, failure.value),
  );
}

/** Tells of this browser's runs from now on. */
export function startAnnouncing(): void {
  const told = new Set<string>();
  let timer: Timer;
  let quietUntil = 0;
  let words = "";
  const tell = () => {
    quietUntil = performance.now() + QUIET_MS;
    progress.value = words;
  };
  effect(() => {
    const own = runs.value.map(({ value }) => value)
      .filter(({ draft }) => draft !== undefined);
    const newest = own.at(0);
    for (const run of own) tellFailures(run, told);
    const running = own.filter(isRunning);
    const next = newest === undefined ? "" : progressOf(newest);
    document.title = running.length > 0 && newest !== undefined
      ? `(${progressOf(running[0])}) ${TITLE}`
      : TITLE;
    if (next === words) return;
    words = next;
    clearTimeout(timer);
    timer = setTimeout(tell, Math.max(0, quietUntil - performance.now()));
  });
}

function progressOf({ slots }: Run): string {
  const done =
    slots.filter(({ candidate }) => candidate.image_id !== null).length;
  return `${done} of ${slots.length} done`;
}

function tellFailures(run: Run, told: Set<string>): void {
  const isNew = run.job === undefined || isRunning(run) || told.has(run.id);
  if (isNew) told.add(run.id);
  for (const slot of run.slots) {
    const state = stateOf(run, slot, 0);
    const { index } = slot.candidate;
    const name = `${run.id} ${index}`;
    if (state.kind !== "failed" || told.has(name)) continue;
    told.add(name);
    // What had failed before the page was opened is no news.
    if (!isNew) continue;
    failure.value = `Candidate ${index + 1}: ${state.title}. ${state.words}`;
  }
}

/** Runs: every job that is under way or ended not long ago, whoever started it. */
import { batch, computed, type Signal, signal } from "@preact/signals";
import { ApiError, get, send, wordsOf } from "./api.ts";
import type { Candidate, Job } from "./contract.ts";
import { currentDraft, type Draft, fieldsOf, problem } from "./draft.ts";
import type { ServerEvent } from "./events.ts";
import { draftOf, keepRecord, onOtherRecords } from "./records.ts";
import { appendReferences } from "./references.ts";
import { lookAgain, usage } from "./server.ts";

const SHOWN = 20;

/** How far a candidate can be; it never goes back, whichever way the news came. */
const PHASES = ["queued", "started", "drawing", "saved", "failed", "canceled"];

/** One candidate, and when its news came, in milliseconds of the page's clock. */
export interface Slot {
  readonly candidate: Candidate;
  readonly seenAt: number;
}

/** One run. */
export interface Run {
  readonly id: string;
  readonly createdAt: Date;
  /** Undefined while it is being sent. */
  readonly job: Job | undefined;
  readonly slots: readonly Slot[];
  /** The form that started it, where this browser did. */
  readonly draft: Draft | undefined;
  /** Whether somebody has just canceled it, before the server says so. */
  readonly canceling: boolean;
}

/** The runs, newest first; each is drawn anew only when itself changes. */
export const runs = signal<readonly Signal<Run>[]>([]);

/** Whether the server has told which runs there are. */
export const runsKnown = signal(false);

/** Counts ends of runs, for those who want to look again then. */
export const endedRuns = signal(0);

/** This browser's runs that are under way. */
export const ownRunning = computed(() =>
  runs.value.filter(({ value }) =>
    isRunning(value) && value.draft !== undefined
  )
);

const sending = new Map<string, AbortController>();

/** What came while a run was sent: the news of a job may be faster than the answer that tells its id. */
let held: ServerEvent[] = [];

/** Whether a run is not over. */
export function isRunning({ canceling, job }: Run): boolean {
  return !canceling &&
    (job === undefined || job.status === "queued" || job.status === "running");
}

/** Sends the form, or another one. */
export async function startRun(draft: Draft = currentDraft()): Promise<void> {
  problem.value = "";
  const id = `sending-${performance.now()}`;
  const leaving = new AbortController();
  sending.set(id, leaving);
  const run = signal<Run>({
    id,
    createdAt: new Date(),
    job: undefined,
    slots: Array.from({ length: draft.settings.count }, (_, i) => newSlot(i)),
    draft,
    canceling: false,
  });
  runs.value = [run, ...runs.value];
  try {
    const body = new FormData();
    for (const [name, value] of Object.entries(fieldsOf(draft))) {
      body.append(name, `${value}`);
    }
    await appendReferences(body, draft.references);
    const response = await send("v1/images/generate", {
      method: "POST",
      headers: { prefer: "respond-async" },
      body,
      signal: leaving.signal,
    });
    const job: Job = await response.json();
    keepRecord(job.id, draft);
    batch(() => {
      drop(id);
      noteJob(job);
    });
  } catch (error) {
    drop(id);
    if (!leaving.signal.aborted) problem.value = wordsOf(error);
    void lookAgain();
  } finally {
    sending.delete(id);
    const events = held;
    held = [];
    events.forEach(noteEvent);
  }
}

/** Cancels a run, or one of its candidates, and shows that at once. */
export async function cancelRun(run: Signal<Run>, index?: number) {
  const { id, job } = run.value;
  if (job === undefined) {
    sending.get(id)?.abort();
    return drop(id);
  }
  if (index === undefined) {
    run.value = { ...run.value, canceling: true };
  } else {
    const state = run.value.slots[index].candidate;
    putSlot(run, { ...state, phase: "canceled" });
  }
  const path = `v1/jobs/${id}`;
  try {
    await send(index === undefined ? path : `${path}/candidates/${index}`, {
      method: "DELETE",
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    run.value = { ...run.value, canceling: false };
    problem.value = error.message;
  }
}

/** Asks which runs there are. */
export async function fetchRuns(): Promise<void> {
  const { data } = await get<{ readonly data: readonly Job[] }>(
    `v1/jobs?limit=${SHOWN}`,
  );
  batch(() => {
    const there = new Set(data.map(({ id }) => id));
    // What the server has forgotten while we looked away will not end any more.
    runs.value = runs.value.filter(({ value }) =>
      there.has(value.id) || !isRunning(value) || value.job === undefined
    );
    for (const job of data.toReversed()) noteJob(job);
    runsKnown.value = true;
  });
}

/** Takes in an event of the server. */
export function noteEvent(event: ServerEvent): void {
  if (sending.size > 0) return void held.push(event);
  const { data, type } = event;
  if (type === "job") return noteJob(JSON.parse(data));
  if (type !== "progress") return;
  const { job_id, ...candidate } = JSON.parse(data);
  const run = runs.value.find(({ value }) => value.id === job_id);
  if (run !== undefined) putSlot(run, candidate);
}

/** Finds what the server said of a picture when its run ended. */
export function warningsOf(id: string, imageId: string): readonly string[] {
  const run = runs.value.find(({ value }) => value.id === id);
  const made = run?.value.job?.answer?.data ?? [];
  return made.find((image) => image.id === imageId)?.warnings ?? [];
}

/** Takes in what another tab has started. */
export function shareRecords(): void {
  onOtherRecords(() => {
    for (const run of runs.value) {
      const draft = draftOf(run.value.id);
      if (draft !== undefined) run.value = { ...run.value, draft };
    }
  });
}

function noteJob(job: Job): void {
  const run = runs.value.find(({ value }) => value.id === job.id);
  if (run === undefined) {
    const made: Run = {
      id: job.id,
      createdAt: new Date(job.created_at),
      job,
      slots: job.candidates.map((candidate) => slotOf(candidate)),
      draft: draftOf(job.id),
      canceling: false,
    };
    const later = runs.value.findIndex(({ value }) =>
      value.createdAt <= made.createdAt
    );
    const at = later < 0 ? runs.value.length : later;
    runs.value = runs.value.toSpliced(at, 0, signal(made));
    return;
  }
  const before = run.value;
  if (before.job?.ended_at != null) return;
  run.value = {
    ...before,
    job,
    draft: before.draft ?? draftOf(job.id),
    slots: job.candidates.map((candidate, i) =>
      newer(before.slots[i], slotOf(candidate))
    ),
  };
  if (job.ended_at !== null) {
    endedRuns.value++;
    if (job.status !== "completed") void lookAgain();
  }
}

function putSlot(run: Signal<Run>, candidate: Candidate): void {
  // The banner tells for what it waits, and how to go on.
  if (candidate.waiting !== null && usage.peek()?.paused == null) {
    void lookAgain();
  }
  const slots = run.value.slots.map((slot, i) =>
    i === candidate.index && slot.candidate.phase !== "canceled"
      ? slotOf(candidate)
      : slot
  );
  run.value = { ...run.value, slots };
}

function newer(before: Slot | undefined, slot: Slot): Slot {
  if (before === undefined) return slot;
  const rank = ({ candidate }: Slot) => PHASES.indexOf(candidate.phase);
  return rank(slot) < rank(before) ? before : slot;
}

function newSlot(index: number): Slot {
  return slotOf({
    index,
    phase: "queued",
    position: null,
    waiting: null,
    elapsed_ms: null,
    estimate_ms: null,
    image_id: null,
    code: null,
    message: null,
  });
}

function slotOf(candidate: Candidate): Slot {
  return { candidate, seenAt: performance.now() };
}

function drop(id: string): void {
  runs.value = runs.value.filter(({ value }) => value.id !== id);
}

/** The form: what is written and chosen, kept over reloads, and put back by Undo. */
import { effect, signal } from "@preact/signals";
import type { Timer } from "./dom.ts";
import { keepValue, readValue } from "./storage.ts";
import { toast } from "./toast.ts";

const KEY = "studio.draft";
const KEEP_MS = 300;

/** The longest prompt. */
export const MAX_PROMPT = 32_000;

/** What is chosen beside the words and the references. */
export interface Settings {
  readonly count: number;
  /** `auto`, `reference`, `custom`, or `W:H`. */
  readonly shape: string;
  /** The custom shape, `W:H`. */
  readonly ratio: string;
  /** `auto`, `1K`, `2K`, `4K`, `exact`, or `reference` for the pixels of the first one. */
  readonly size: string;
  readonly width: number;
  readonly height: number;
  readonly quality: string;
  readonly format: string;
  readonly compression: number;
  readonly background: string;
  /** Empty for what suits the size. */
  readonly fit: string;
}

/** A reference: a file that the browser keeps under its key, or a picture of the library. */
export interface Reference {
  /** The digest of the file, or what is as good where the browser cannot tell; the id of the picture. */
  readonly key: string;
  readonly label: string;
  readonly type: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  /** The picture of the library that it is. */
  readonly imageId?: string;
}

/** The whole form. */
export interface Draft {
  readonly prompt: string;
  readonly settings: Settings;
  readonly references: readonly Reference[];
}

export const USUAL: Settings = {
  count: 4,
  shape: "auto",
  ratio: "2:1",
  size: "auto",
  width: 1536,
  height: 1024,
  quality: "auto",
  format: "png",
  compression: 90,
  background: "auto",
  fit: "",
};

const kept = readValue<Partial<Draft>>(KEY, {});

/** The words, apart from the rest: nothing else is drawn anew while somebody types. */
export const prompt = signal(kept.prompt ?? "");
export const settings = signal<Settings>({ ...USUAL, ...kept.settings });
export const references = signal<readonly Reference[]>(kept.references ?? []);

/** Whether the browser keeps the draft. */
export const isKept = signal(true);

/** What is wrong with what was last sent or added, in words. */
export const problem = signal("");

/** Changes some of the settings. */
export function choose(some: Partial<Settings>): void {
  settings.value = { ...settings.value, ...some };
}

/** The form as it is. */
export function currentDraft(): Draft {
  return {
    prompt: prompt.value,
    settings: settings.value,
    references: references.value,
  };
}

/** Fills the form, and offers to take that back. */
export function fillForm(draft: Partial<Draft>, words: string): void {
  const before = currentDraft();
  put({ ...before, ...draft });
  problem.value = "";
  const isLost = before.prompt.trim() !== "" || before.references.length > 0;
  toast(words, isLost ? { label: "Undo", act: () => put(before) } : undefined);
}

/** Writes the fields of the API that a draft stands for, references left out. */
export function fieldsOf(
  { prompt, settings: chosen }: Draft,
): Record<string, string | number> {
  const fields: Record<string, string | number> = {
    prompt,
    count: chosen.count,
  };
  if (chosen.size === "exact") {
    fields.output_size = `${chosen.width}x${chosen.height}`;
  } else if (chosen.size === "reference") {
    fields.output_size = "reference";
  } else {
    if (chosen.size !== "auto") fields.size = chosen.size;
    const shape = chosen.shape === "custom" ? chosen.ratio : chosen.shape;
    if (shape !== "auto") fields.aspect = shape;
  }
  if (chosen.quality !== "auto") fields.quality = chosen.quality;
  if (chosen.format !== "png") {
    fields.output_format = chosen.format;
    fields.output_compression = chosen.compression;
  }
  if (chosen.background !== "auto") fields.background = chosen.background;
  if (chosen.fit !== "") fields.fit = chosen.fit;
  return fields;
}

/** Keeps the draft from now on, a moment after each change. */
export function keepDraft(): void {
  let timer: Timer;
  let draft = currentDraft();
  const keep = () => {
    clearTimeout(timer);
    isKept.value = keepValue(KEY, draft);
  };
  effect(() => {
    draft = currentDraft();
    clearTimeout(timer);
    timer = setTimeout(keep, KEEP_MS);
  });
  addEventListener("pagehide", keep);
}

function put(draft: Draft): void {
  prompt.value = draft.prompt;
  settings.value = draft.settings;
  references.value = draft.references;
}

/** The library: pictures page by page, search, selection, and deletion that can be taken back. */
import { computed, signal } from "@preact/signals";
import { ApiError, get, getIfThere, send, wordsOf } from "./api.ts";
import type { ImageList, StoredImage } from "./contract.ts";
import type { Timer } from "./dom.ts";
import { countOf } from "./format.ts";
import { toast } from "./toast.ts";

const PAGE = 100;
const UNDO_MS = 6_000;
const INDEXING_MS = 1_000;

const loaded = signal<readonly StoredImage[]>([]);
const gone = signal<ReadonlySet<string>>(new Set());

/** The pictures that are loaded, newest first, without those that were deleted. */
export const images = computed(() =>
  loaded.value.filter(({ id }) => !gone.value.has(id))
);

/** Whether there are no more to load. */
export const isComplete = signal(false);
export const isLoading = signal(false);
export const isIndexing = signal(false);
export const libraryProblem = signal("");

/** What is searched for; empty for all. */
export const query = signal("");

/** The selected pictures. */
export const selected = signal<ReadonlySet<string>>(new Set());

let cursor: string | null = null;
let turn = 0;
let indexing: Timer;
/** From where on the server was asked and did not answer; null for the newest. */
let unanswered: string | null | undefined;
let deleting: { readonly ids: readonly string[]; timer: Timer } | undefined;

/** Whether a picture was deleted here. */
export function isGone(id: string): boolean {
  return gone.value.has(id);
}

/** Loads the next page. */
export async function loadMore(): Promise<void> {
  if (isLoading.value || isComplete.value) return;
  await load(cursor);
}

/** Loads anew from the newest, such as for another search; what is shown stays until then. */
export async function reload(words: string = query.value): Promise<void> {
  query.value = words;
  await load(null);
}

/** Loads what the server was asked for while it was away. */
export async function loadUnanswered(): Promise<void> {
  if (unanswered !== undefined) await load(unanswered);
}

/** Adds what was made since the newest that is loaded. */
export async function loadNewest(): Promise<void> {
  if (loaded.value.length === 0 || query.value !== "") return reload();
  const answer = await getIfThere<ImageList>(`v1/images?limit=${PAGE}`);
  const data = answer?.data ?? [];
  const known = new Set(loaded.value.map(({ id }) => id));
  const fresh = data.filter(({ id }) => !known.has(id));
  loaded.value = [...fresh, ...loaded.value];
}

/** Selects a picture, or no longer. */
export function toggleSelected(id: string): void {
  const ids = new Set(selected.value);
  if (!ids.delete(id)) ids.add(id);
  selected.value = ids;
}

/** Selects all from one picture to another. */
export function selectRange(from: string, to: string): void {
  const ids = images.value.map(({ id }) => id);
  const ends = [ids.indexOf(from), ids.indexOf(to)].sort((a, b) => a - b);
  selected.value = new Set([
    ...selected.value,
    ...ids.slice(Math.max(0, ends[0]), ends[1] + 1),
  ]);
}

/** Selects nothing. */
export function selectNone(): void {
  selected.value = new Set();
}

/** Deletes pictures: hidden at once, and gone when nobody has taken it back in six seconds. */
export function deletePictures(ids: readonly string[]): void {
  if (ids.length === 0) return;
  void sendDeletions();
  gone.value = new Set([...gone.value, ...ids]);
  selected.value = new Set(
    [...selected.value].filter((id) => !ids.includes(id)),
  );
  const timer = setTimeout(() => void sendDeletions(), UNDO_MS);
  deleting = { ids, timer };
  toast(`Deleted ${countOf(ids.length, "picture")}`, {
    label: "Undo",
    act: () => {
      clearTimeout(timer);
      if (deleting?.ids === ids) deleting = undefined;
      putBack(ids);
    },
  });
}

/** Sends what is still to be deleted when the page is left. */
export function deleteOnLeave(): void {
  addEventListener("pagehide", () => void sendDeletions());
}

async function sendDeletions(): Promise<void> {
  if (deleting === undefined) return;
  const { ids, timer } = deleting;
  deleting = undefined;
  clearTimeout(timer);
  await Promise.all(ids.map(async (id) => {
    try {
      await send(`v1/images/${id}`, { method: "DELETE", keepalive: true });
    } catch (error) {
      // Somebody else was faster.
      if (error instanceof ApiError && error.status === 404) return;
      putBack([id]);
      toast(`Not deleted: ${wordsOf(error)}`);
    }
  }));
}

function putBack(ids: readonly string[]): void {
  const left = new Set(gone.value);
  for (const id of ids) left.delete(id);
  gone.value = left;
}

/** @param many How many to load at least, as far as there are */
async function load(from: string | null, many = 1): Promise<void> {
  const mine = ++turn;
  isLoading.value = true;
  unanswered = undefined;
  libraryProblem.value = "";
  const search = new URLSearchParams({ limit: `${PAGE}` });
  if (from !== null) search.set("cursor", from);
  if (query.value.trim() !== "") search.set("q", query.value.trim());
  try {
    const data = [];
    let answer: ImageList;
    do {
      answer = await get<ImageList>(`v1/images?${search}`);
      if (mine !== turn) return;
      data.push(...answer.data);
      search.set("cursor", answer.next_cursor ?? "");
    } while (answer.next_cursor !== null && data.length < many);
    cursor = answer.next_cursor;
    isComplete.value = cursor === null;
    isIndexing.value = answer.indexing;
    loaded.value = from === null ? data : [...loaded.value, ...data];
    clearTimeout(indexing);
    // What is being found may be anywhere among those that are shown, which stay in their places.
    if (answer.indexing) {
      const again = () => void load(null, loaded.value.length);
      indexing = setTimeout(again, INDEXING_MS);
    }
  } catch (error) {
    if (mine !== turn) return;
    libraryProblem.value = wordsOf(error);
    if (error instanceof ApiError && error.status === 0) unanswered = from;
    else if (from === null) loaded.value = [];
    isComplete.value = true;
  } finally {
    if (mine === turn) isLoading.value = false;
  }
}

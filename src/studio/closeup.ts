/** What is looked at closely: one picture or several beside each other, under one zoom. */
import { computed, signal } from "@preact/signals";

const MAX_ZOOM = 32;

/** A picture that can be looked at. */
export interface Look {
  readonly id: string;
  /** The run that it is of. */
  readonly run: string;
  readonly alt: string;
}

/** Which part of the pictures is seen: all of them show the same. */
export interface Zoom {
  /** 1 shows the whole. */
  readonly scale: number;
  /** How far the middle is moved, in widths and heights of the pane. */
  readonly x: number;
  readonly y: number;
}

const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };

const looks = signal<readonly Look[]>([]);
const index = signal(0);
let last = "";
let opener: Element | null = null;

/** Whether anything is looked at. */
export const isOpen = computed(() => looks.value.length > 0);

/** The picture that is looked at. */
export const current = computed((): Look | undefined =>
  looks.value[index.value]
);

/** Whether the run is shown beside each other. */
export const isComparing = signal(false);
export const zoom = signal(WHOLE);

/** The pictures that are compared with the current one: those of its run, four at most. */
export const group = computed(() => {
  const run = current.value?.run;
  const all = looks.value.filter((look) => look.run === run);
  const at = all.findIndex(({ id }) => id === current.value?.id);
  const start = Math.max(0, Math.min(at, all.length - 4));
  return all.length <= 4 ? all : all.slice(start, start + 4);
});

/** Whether there is one before and one after. */
export const neighbours = computed(() => ({
  before: index.value > 0,
  after: index.value < looks.value.length - 1,
}));

/** Opens pictures at one of them. */
export function lookAt(
  pictures: readonly Look[],
  id: string,
  { compare = false } = {},
): void {
  opener ??= document.activeElement;
  looks.value = pictures;
  index.value = Math.max(0, pictures.findIndex((look) => look.id === id));
  isComparing.value = compare && group.value.length > 1;
  zoom.value = WHOLE;
}

/** Closes, and gives the focus back. */
export function closeLook(): void {
  looks.value = [];
  last = "";
  const back = opener;
  opener = null;
  if (back instanceof HTMLElement && back.isConnected) back.focus();
}

/** Shows another picture, alone. */
export function show(id: string): void {
  const to = looks.value.findIndex((look) => look.id === id);
  if (to < 0) return;
  isComparing.value = false;
  if (to === index.value) return;
  last = current.value?.id ?? "";
  index.value = to;
}

/** Shows the next picture or the one before; the part that is seen stays. */
export function step(by: number): void {
  const look = looks.value[index.value + by];
  if (look !== undefined) show(look.id);
}

/** Shows the picture that was shown before this one. */
export function flip(): void {
  if (last !== "") show(last);
  else step(neighbours.value.after ? 1 : -1);
}

/** Shows the pictures of the run beside each other, or one again. */
export function toggleCompare(): void {
  isComparing.value = !isComparing.value && group.value.length > 1;
}

/** Takes a picture out, such as one that was deleted. */
export function leaveOut(id: string): void {
  const left = looks.value.filter((look) => look.id !== id);
  if (left.length === 0) return closeLook();
  index.value = Math.min(index.value, left.length - 1);
  looks.value = left;
}

/**
 * Zooms by a factor, so that what is under a point stays there.
 *
 * @param at The point, in widths and heights of the pane from its middle.
 */
export function zoomBy(factor: number, at = { x: 0, y: 0 }): void {
  const { scale, x, y } = zoom.value;
  const next = Math.min(MAX_ZOOM, Math.max(1, scale * factor));
  const ratio = next / scale;
  setZoom({
    scale: next,
    x: at.x - (at.x - x) * ratio,
    y: at.y - (at.y - y) * ratio,
  });
}

/** Moves what is seen. */
export function panBy(x: number, y: number): void {
  const before = zoom.value;
  setZoom({ ...before, x: before.x + x, y: before.y + y });
}

/** Shows the whole again. */
export function fit(): void {
  zoom.value = WHOLE;
}

// The pictures never leave their panes.
function setZoom({ scale, x, y }: Zoom): void {
  const most = (scale - 1) / 2;
  const within = (value: number) => Math.min(most, Math.max(-most, value));
  zoom.value = { scale, x: within(x), y: within(y) };
}

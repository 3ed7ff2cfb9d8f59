/** Where the pictures of the library are on the page, and how the focus goes through them. */
import { computed, signal } from "@preact/signals";
import type { StoredImage } from "./contract.ts";
import { focusOn } from "./dom.ts";
import { images } from "./library.ts";
import { picturesOf, rowsOf } from "./library_rows.ts";
import { noteScroll } from "./picture_queue.ts";

const GAP = 8;
const CAPTION = 26;
const DAY = 52;
const CELL = 168;
const NARROW_CELL = 100;

/** How wide the grid is, in pixels. */
export const width = signal(0);
/** Which part of the grid is in the window, in pixels from its top. */
export const seen = signal({ top: 0, bottom: 0 });
/** The picture that has the focus, or had it last. */
export const focused = signal("");

const columns = computed(() => {
  const cell = width.value < 560 ? NARROW_CELL : CELL;
  return Math.max(2, Math.floor((width.value + GAP) / (cell + GAP)));
});
/** The edge of a picture, in pixels. */
export const cell = computed(() =>
  Math.floor((width.value - GAP * (columns.value - 1)) / columns.value)
);
/** The rows, and how high all of them are. */
export const layout = computed(() =>
  rowsOf(images.value, {
    columns: columns.value,
    dayHeight: DAY,
    rowHeight: cell.value + CAPTION + GAP,
  })
);
/** The pictures as they follow each other on the page. */
export const ordered = computed(() => picturesOf(layout.value.rows));

/** The picture that Tab leads to. */
export const reached = computed(() => focused.value || ordered.value.at(0)?.id);

/** Keeps what is seen up to date. */
export function watch(element: HTMLElement | null): () => void {
  if (element === null) return () => {};
  let frame = 0;
  const look = () => {
    frame = 0;
    const { top } = element.getBoundingClientRect();
    seen.value = { top: -top, bottom: innerHeight - top };
  };
  const later = () => frame ||= requestAnimationFrame(look);
  const sizes = new ResizeObserver(() => {
    width.value = element.clientWidth;
    later();
  });
  sizes.observe(element);
  addEventListener("scroll", later, { passive: true });
  addEventListener("scroll", noteScroll, { passive: true });
  addEventListener("resize", later);
  return () => {
    sizes.disconnect();
    removeEventListener("scroll", later);
    removeEventListener("scroll", noteScroll);
    removeEventListener("resize", later);
    cancelAnimationFrame(frame);
  };
}

/** Moves the focus to another picture, which may not be there until the window has moved. */
export function moveFocus(
  event: KeyboardEvent & { readonly currentTarget: HTMLElement },
): void {
  const { target } = event;
  if (!(target instanceof HTMLElement) || !target.matches(".cell")) return;
  const to = pictureFrom(target.dataset.picture ?? "", event.key);
  if (to === undefined) return;
  event.preventDefault();
  const row = layout.value.rows.find((row) =>
    "groups" in row && row.groups.some(({ pictures }) => pictures.includes(to))
  );
  focused.value = to.id;
  const grid = event.currentTarget;
  const place = (row?.top ?? 0) + grid.getBoundingClientRect().top;
  const below = place + cell.value + CAPTION - innerHeight;
  const covered = document.querySelector<HTMLElement>(".top")?.offsetHeight ??
    0;
  const free = Math.max(120, covered + 60);
  if (place < free) scrollBy(0, place - free);
  else if (below > 0) scrollBy(0, below + GAP);
  focusOn(`[data-picture="${to.id}"]`, { preventScroll: true });
}

function pictureFrom(id: string, key: string): StoredImage | undefined {
  const all = ordered.value;
  const at = all.findIndex((image) => image.id === id);
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key !== "ArrowDown" && key !== "ArrowUp") return;
  const rows = layout.value.rows.map((row) => picturesOf([row])).filter((row) =>
    row.length > 0
  );
  const from = rows.findIndex((row) => row.some((image) => image.id === id));
  const column = rows[from]?.findIndex((image) => image.id === id);
  const row = rows[from + (key === "ArrowDown" ? 1 : -1)];
  return row?.[Math.min(column, row.length - 1)];
}

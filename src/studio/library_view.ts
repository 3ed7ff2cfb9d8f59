/** The library as it is seen: only the rows near the window are there at all. */
import { computed, signal, untracked, useSignalEffect } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Look, lookAt } from "./closeup.ts";
import type { StoredImage } from "./contract.ts";
import {
  button,
  classes,
  div,
  h2,
  h3,
  input,
  label,
  p,
  section,
  span,
  type Timer,
  type View,
} from "./dom.ts";
import { countOf, shorten, timeOf } from "./format.ts";
import {
  deletePictures,
  images,
  isComplete,
  isIndexing,
  isLoading,
  libraryProblem,
  loadMore,
  loadNewest,
  query,
  reload,
  selected,
  selectNone,
  selectRange,
  toggleSelected,
} from "./library.ts";
import {
  candidateOf,
  picturesOf,
  type Row,
  rowsBetween,
  rowsOf,
  type RunGroup,
} from "./library_rows.ts";
import { compareFrom } from "./keys.ts";
import { picture } from "./picture.ts";
import { altOf } from "./run_slots.ts";
import { draftOf, endedRuns } from "./runs.ts";

const GAP = 8;
const CAPTION = 26;
const DAY = 52;
const CELL = 168;
const NARROW_CELL = 100;
const AHEAD = 800;
const TYPING_MS = 250;
/** How long a picture must be near the window before it is loaded. */
const STAY_MS = 120;

const width = signal(0);
const seen = signal({ top: 0, bottom: 0 });
const focused = signal("");

const columns = computed(() => {
  const cell = width.value < 560 ? NARROW_CELL : CELL;
  return Math.max(2, Math.floor((width.value + GAP) / (cell + GAP)));
});
const cell = computed(() =>
  Math.floor((width.value - GAP * (columns.value - 1)) / columns.value)
);
const layout = computed(() =>
  rowsOf(images.value, {
    columns: columns.value,
    dayHeight: DAY,
    rowHeight: cell.value + CAPTION + GAP,
  })
);
const ordered = computed(() => picturesOf(layout.value.rows));

/** Shows the library. */
export function Library(): View {
  compareFrom.current = compare;
  return section(
    { class: "library", "aria-label": "Library" },
    h(SearchBar, null),
    h(Grid, null),
    h(Selection, null),
  );
}

/** Shows a run beside each other, or what is selected. */
function compare(id: string): void {
  const several = selected.value.size > 1 && selected.value.has(id);
  const chosen = ordered.value.filter((image) => selected.value.has(image.id));
  const looks = several
    ? chosen.map((image) => lookOf(image, "selection"))
    : looksOfAll();
  lookAt(looks, id, { compare: true });
}

function SearchBar(): View {
  const timer = useRef<Timer>(undefined);
  const count = images.value.length;
  return div(
    { class: "search" },
    label({ for: "search", class: "unseen" }, "Search prompts"),
    input({
      id: "search",
      type: "search",
      placeholder: "Search prompts",
      value: query.value,
      onInput: ({ currentTarget: { value } }) => {
        clearTimeout(timer.current);
        timer.current = setTimeout(() => void reload(value), TYPING_MS);
      },
    }),
    p(
      { class: "hint", role: "status" },
      libraryProblem.value ||
        (count === 0 && isLoading.value
          ? "Loading"
          : `${countOf(count, "picture")}${
            isComplete.value ? "" : " and more"
          }`),
      isIndexing.value && ", older ones are still being found",
    ),
  );
}

function Grid(): View {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => watch(element.current), []);
  // What these read is none of the effects' business: only ends of runs, and what comes near or was loaded.
  useSignalEffect(() => {
    if (endedRuns.value >= 0) untracked(() => void loadNewest());
  });
  useSignalEffect(() => {
    const isNear = seen.value.bottom + AHEAD > layout.value.height;
    if (isNear && !isLoading.value) untracked(() => void loadMore());
  });
  const { height, rows } = layout.value;
  const { bottom, top } = seen.value;
  const isEmpty = rows.length === 0 && isComplete.value && !isLoading.value;
  return div(
    {
      ref: element,
      class: "grid",
      style: { height: `${height}px`, "--cell": `${cell.value}px` },
      onKeyDown: moveFocus,
      onFocusIn: ({ target }) => {
        const id = target instanceof HTMLElement && target.dataset.picture;
        if (id) focused.value = id;
      },
    },
    width.value > 0 &&
      rowsBetween(rows, top - AHEAD, bottom + AHEAD).map((row) =>
        h(RowView, { key: row.key, row })
      ),
    isEmpty && div(
      { class: "empty" },
      h2(null, query.value === "" ? "No pictures yet" : "Nothing found"),
      p(
        null,
        query.value === ""
          ? "What you generate is kept here."
          : "Prompts are searched for whole words.",
      ),
    ),
  );
}

function RowView({ row }: { readonly row: Row }): View {
  const style = { transform: `translateY(${row.top}px)` };
  return "day" in row ? h2({ class: "row day", style }, row.day) : div(
    { class: "row", style },
    row.groups.map((group) =>
      h(GroupView, { key: group.pictures[0].id, group })
    ),
  );
}

function GroupView({ group }: { readonly group: RunGroup }): View {
  const { continued, pictures, run } = group;
  const [first] = pictures;
  const prompt = promptOf(first);
  return div(
    {
      class: "group",
      "data-run": run,
      style: { "--of": `${pictures.length}` },
    },
    h3(
      { class: "caption", title: prompt },
      continued
        ? "…"
        : `${timeOf(new Date(first.created_at))} ${shorten(prompt ?? "", 120)}`,
    ),
    div(
      { class: "cells" },
      pictures.map((image) => h(Cell, { key: image.id, image })),
    ),
  );
}

function Cell({ image }: { readonly image: StoredImage }): View {
  const { id } = image;
  const isSelected = selected.value.has(id);
  const alt = altOf(candidateOf(id), promptOf(image));
  const isReached = (focused.value || ordered.value.at(0)?.id) === id;
  return div(
    { class: classes("box", isSelected && "selected") },
    button({
      type: "button",
      class: "cell",
      "data-picture": id,
      tabIndex: isReached ? 0 : -1,
      onClick: (event) => {
        if (event.shiftKey && focused.value) selectRange(focused.value, id);
        else if (event.ctrlKey || event.metaKey) toggleSelected(id);
        else lookAt(looksOfAll(), id);
      },
    }, picture({ id, variant: "thumbnail", alt, waitMs: STAY_MS })),
    label(
      { class: "select" },
      input({
        type: "checkbox",
        checked: isSelected,
        tabIndex: isReached || selected.value.size > 0 ? 0 : -1,
        "aria-label": `Select ${alt}`,
        onClick: (event) => {
          const [other] = selected.value;
          if (event.shiftKey && other !== undefined) selectRange(other, id);
        },
        onChange: () => toggleSelected(id),
      }),
    ),
  );
}

function Selection(): View {
  const { size } = selected.value;
  if (size === 0) return null;
  const ids = [...selected.value];
  return div(
    { class: "selection", role: "region", "aria-label": "Selected pictures" },
    span(null, `${size} selected`),
    size > 1 && size <= 4 && button({
      type: "button",
      class: "small",
      onClick: () => compare(ids[0]),
    }, "Compare"),
    button({
      type: "button",
      class: "small danger",
      onClick: () => deletePictures(ids),
    }, "Delete"),
    button({ type: "button", class: "small", onClick: selectNone }, "Clear"),
  );
}

/** Keeps what is seen up to date. */
function watch(element: HTMLElement | null): () => void {
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
  addEventListener("resize", later);
  return () => {
    sizes.disconnect();
    removeEventListener("scroll", later);
    removeEventListener("resize", later);
    cancelAnimationFrame(frame);
  };
}

/** Moves the focus to another picture, which may not be there until the window has moved. */
function moveFocus(
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
  if (place < 120) scrollBy(0, place - 120);
  else if (below > 0) scrollBy(0, below + GAP);
  const focus = (tries: number) => {
    const found = grid.querySelector<HTMLElement>(`[data-picture="${to.id}"]`);
    if (found !== null) found.focus({ preventScroll: true });
    else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
  };
  requestAnimationFrame(() => focus(10));
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

function looksOfAll(): Look[] {
  return ordered.value.map((image) => lookOf(image, image.generation_id));
}

function lookOf(image: StoredImage, run: string): Look {
  return {
    id: image.id,
    run,
    alt: altOf(candidateOf(image.id), promptOf(image)),
  };
}

function promptOf(image: StoredImage): string | undefined {
  return image.prompt ?? draftOf(image.generation_id)?.prompt;
}

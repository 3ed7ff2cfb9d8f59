/** The library as it is seen: only the rows near the window are there at all. */
import { untracked, useSignalEffect } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { online } from "./api.ts";
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
  loadUnanswered,
  query,
  reload,
  selected,
  selectNone,
  selectRange,
  toggleSelected,
} from "./library.ts";
import {
  cell,
  focused,
  layout,
  moveFocus,
  ordered,
  reached,
  seen,
  watch,
  width,
} from "./library_layout.ts";
import {
  candidateOf,
  type Row,
  rowsBetween,
  type RunGroup,
} from "./library_rows.ts";
import { compareFrom } from "./keys.ts";
import { picture } from "./picture.ts";
import { altOf } from "./run_slots.ts";
import { draftOf } from "./records.ts";
import { endedRuns } from "./runs.ts";

/** How far from the window rows are drawn, and more pictures are asked for, in pixels. */
const AHEAD = 800;
const LOAD_AHEAD = 4_000;
const TYPING_MS = 250;

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
    const isNear = seen.value.bottom + LOAD_AHEAD > layout.value.height;
    if (isNear && !isLoading.value) untracked(() => void loadMore());
  });
  useSignalEffect(() => {
    if (online.value) untracked(() => void loadUnanswered());
  });
  const { height, rows } = layout.value;
  const { bottom, top } = seen.value;
  const isEmpty = rows.length === 0 && isComplete.value && !isLoading.value &&
    libraryProblem.value === "";
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
          : "Prompts are searched for whole words. Without a search, all pictures stand under their days.",
      ),
      query.value !== "" && button({
        type: "button",
        class: "small",
        onClick: () => void reload(""),
      }, "Show all"),
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
  const isReached = reached.value === id;
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
    }, picture({ id, variant: "thumbnail", alt, isQueued: true })),
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

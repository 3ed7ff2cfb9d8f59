/** Runs as they are seen: one card each, with a slot for every candidate. */
import type { Signal } from "@preact/signals";
import { h } from "preact";
import { useMemo } from "preact/hooks";
import { reuse, tryAgain } from "./actions.ts";
import { now } from "./clock.ts";
import { type Look, lookAt } from "./closeup.ts";
import {
  button,
  type Children,
  classes,
  div,
  h2,
  h3,
  icon,
  p,
  section,
  span,
  time,
  type View,
} from "./dom.ts";
import { type Draft, fillForm, USUAL } from "./draft.ts";
import { countOf, shorten, sizeOf, timeOf, whenOf } from "./format.ts";
import { compareFrom, moveInGrid } from "./keys.ts";
import { picture } from "./picture.ts";
import { draftFrom } from "./records.ts";
import { altOf, ratioOfRun, stateOf } from "./run_slots.ts";
import { cancelRun, isRunning, type Run, runs, runsKnown } from "./runs.ts";
import { focusPrompt } from "./composer.ts";

const EXAMPLES: readonly (readonly [title: string, draft: Partial<Draft>])[] = [
  ["A scene", {
    prompt:
      "A lighthouse on a rocky coast at dusk, warm light in its window, long exposure of the sea",
    settings: { ...USUAL, shape: "3:2" },
  }],
  ["A product", {
    prompt:
      "A ceramic teapot with a bamboo handle on a linen cloth, soft light from the left, plain background",
    settings: { ...USUAL, shape: "1:1", quality: "high" },
  }],
  ["A poster", {
    prompt:
      "A travel poster for a night train through the Alps, flat colours, bold shapes, no text",
    settings: { ...USUAL, shape: "2:3", size: "2K" },
  }],
];

/** Shows all runs, or how to begin. */
export function Runs(): View {
  const all = runs.value;
  compareFrom.current = compare;
  return section(
    { class: "runs", "aria-label": "Runs" },
    all.map((run) => h(RunCard, { key: run.value.id, run })),
    all.length === 0 && runsKnown.value && h(Empty, null),
  );
}

function compare(id: string): void {
  const looks = runs.value.map(({ value }) => looksOf(value))
    .find((looks) => looks.some((look) => look.id === id));
  if (looks !== undefined) lookAt(looks, id, { compare: true });
}

/** Gives the pictures of a run that can be looked at. */
function looksOf(run: Run): Look[] {
  return run.slots.flatMap((slot) => {
    const state = stateOf(run, slot, 0);
    return state.kind === "saved"
      ? [{
        id: state.id,
        run: run.id,
        alt: altOf(slot.candidate.index, promptOf(run)),
      }]
      : [];
  });
}

function RunCard({ run }: { readonly run: Signal<Run> }): View {
  const value = run.value;
  // What is seen keeps its shape, whatever comes.
  const ratio = useMemo(() => ratioOfRun(value), [value.draft]);
  const prompt = promptOf(value);
  const looks = looksOf(value);
  const draft = formOf(value);
  return h(
    "article",
    { class: "run", "data-run": value.id, "aria-label": prompt ?? "Run" },
    div(
      { class: "head" },
      h2(
        { class: "prompt", title: prompt },
        prompt ? shorten(prompt, 240) : "From another program",
      ),
      p({ class: "meta" }, metaOf(value)),
      div(
        { class: "buttons" },
        looks.length > 1 &&
          tool(
            "compare",
            "Compare",
            () => lookAt(looks, looks[0].id, { compare: true }),
          ),
        draft && tool("reuse", "Reuse", () => void reuse(draft)),
        isRunning(value) && button(
          {
            type: "button",
            class: "small",
            onClick: () => void cancelRun(run),
          },
          icon("close"),
          "Cancel",
        ),
      ),
    ),
    div(
      {
        class: classes(
          "slots",
          ratio > 1.2 ? "wide" : "tall",
          `of${value.slots.length}`,
        ),
        style: { "--ratio": `${ratio}` },
        onKeyDown: moveInGrid,
      },
      value.slots.map((_, index) => h(SlotView, { key: index, run, index })),
    ),
  );
}

function SlotView(
  { index, run }: { readonly run: Signal<Run>; readonly index: number },
): View {
  const value = run.value;
  const slot = value.slots[index];
  const isWorking = ["started", "drawing"].includes(slot.candidate.phase);
  const state = stateOf(value, slot, isWorking ? now.value : 0);
  const draft = formOf(value);
  const cancel = () =>
    value.job !== undefined && value.slots.length > 1 && button({
      type: "button",
      class: "tool cancel",
      title: `Cancel candidate ${index + 1}`,
      "aria-label": `Cancel candidate ${index + 1}`,
      onClick: () => void cancelRun(run, index),
    }, icon("close"));
  switch (state.kind) {
    case "saved": {
      const looks = looksOf(value);
      const isFirst = looks[0]?.id === state.id;
      return slotBox(
        "saved",
        button(
          {
            type: "button",
            class: "cell",
            "data-picture": state.id,
            tabIndex: isFirst ? 0 : -1,
            onClick: () => lookAt(looks, state.id),
          },
          picture({
            id: state.id,
            variant: "thumbnail",
            alt: altOf(index, promptOf(value)),
          }),
        ),
      );
    }
    case "working":
      return slotBox(
        "working",
        span({ class: "words" }, state.words),
        span(
          { class: "phases" },
          span({ style: { transform: `scaleX(${state.part})` } }),
        ),
        cancel(),
      );
    case "waiting":
      return slotBox(
        "waiting",
        span({ class: "words" }, state.words),
        cancel(),
      );
    case "failed":
      return slotBox(
        "failed",
        h3(null, state.title),
        p({ class: "reason" }, state.words),
        draft && div(
          { class: "buttons" },
          button({
            type: "button",
            class: "small",
            onClick: () => void reuse(draft),
          }, "Edit and retry"),
          button({
            type: "button",
            class: "small",
            onClick: () => void tryAgain(draft),
          }, "Try again"),
        ),
      );
    default:
      return slotBox(
        state.kind,
        span(
          { class: "words" },
          state.kind === "deleted" ? "Deleted" : "Canceled",
        ),
      );
  }
}

function Empty(): View {
  return div(
    { class: "empty" },
    h2(null, "What should be drawn?"),
    p(
      null,
      "Write it on the form, or begin with an example.",
    ),
    div(
      { class: "examples" },
      EXAMPLES.map(([title, draft]) =>
        button(
          {
            key: title,
            type: "button",
            class: "example",
            onClick: () => {
              fillForm(draft, `${title}: in the form`);
              focusPrompt();
            },
          },
          span({ class: "title" }, title),
          span(null, draft.prompt),
        )
      ),
    ),
  );
}

function slotBox(kind: string, ...content: Children[]): View {
  return div({ class: classes("slot", kind) }, ...content);
}

function tool(
  name: Parameters<typeof icon>[0],
  title: string,
  onClick: () => void,
): View {
  return button({ type: "button", class: "small", onClick }, icon(name), title);
}

/** The form that started a run, or what the server tells of it where it tells the words. */
function formOf({ draft, job }: Run): Draft | undefined {
  return draft ?? (job?.request.prompt ? draftFrom(job.request) : undefined);
}

function promptOf({ draft, job }: Run): string | undefined {
  return draft?.prompt || job?.request.prompt || undefined;
}

function metaOf({ createdAt, draft, job, slots }: Run): Children {
  const size = job?.answer?.resolved_size ?? job?.request.output_size ??
    job?.request.requested_size;
  const parts = [
    countOf(slots.length, "candidate"),
    size && size !== "auto" ? sizeOf(size) : "",
    countReferences(
      job?.request.reference_count ?? draft?.references.length ?? 0,
    ),
    draft === undefined && job?.request.prompt ? "from another program" : "",
  ].filter((part) => part !== "");
  return [
    time(
      { dateTime: createdAt.toISOString(), title: whenOf(createdAt) },
      timeOf(createdAt),
    ),
    ` · ${parts.join(" · ")}`,
  ];
}

function countReferences(count: number): string {
  return count === 0 ? "" : countOf(count, "reference");
}

/** The form: words, references, and what is chosen. */
import { useSignal } from "@preact/signals";
import { h } from "preact";
import {
  button,
  details,
  div,
  focusOn,
  form,
  label,
  p,
  span,
  summary,
  textarea,
  type View,
} from "./dom.ts";
import { isKept, MAX_PROMPT, problem, prompt } from "./draft.ts";
import { numberOf } from "./format.ts";
import { lazy } from "./lazy.ts";
import { ReferenceField } from "./reference_field.ts";
import { cancelRun, ownRunning, startRun } from "./runs.ts";
import {
  CountField,
  MoreFields,
  ShapeField,
  SizeField,
} from "./settings_fields.ts";

const CodePanel = lazy(async () => (await import("./code_panel.ts")).CodePanel);

/** From how many characters on they are counted out loud. */
const NEAR_LIMIT = MAX_PROMPT - 4_000;

/** Shows the form. */
export function Composer(): View {
  return form(
    {
      class: "composer",
      "aria-label": "New pictures",
      onSubmit: (event) => {
        event.preventDefault();
        void generate();
      },
    },
    h(PromptField, null),
    h(ReferenceField, null),
    h(CountField, null),
    h(ShapeField, null),
    h(SizeField, null),
    h(MoreFields, null),
    h(AsCode, null),
    h(ActionBar, null),
  );
}

/** Starts what the form says, or says what is missing. */
export async function generate(): Promise<void> {
  const length = prompt.value.length;
  if (prompt.value.trim() === "" || length > MAX_PROMPT) {
    problem.value = length > MAX_PROMPT
      ? `The prompt has ${numberOf(length)} characters: at most ${
        numberOf(MAX_PROMPT)
      }`
      : "Say first what to draw";
    focusPrompt();
    return;
  }
  const started = startRun();
  if (matchMedia("(max-width: 899px)").matches) {
    // It is below the form, where nobody would see it.
    requestAnimationFrame(() =>
      document.querySelector(".run")?.scrollIntoView({ block: "nearest" })
    );
  }
  await started;
}

/** Puts the cursor where one writes. */
export function focusPrompt(): void {
  focusOn("#prompt");
}

function AsCode(): View {
  const isOpen = useSignal(false);
  return details(
    {
      class: "more",
      onToggle: ({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      },
    },
    summary(null, "As code"),
    isOpen.value && h(CodePanel, {}),
  );
}

function PromptField(): View {
  const { length } = prompt.value;
  return div(
    { class: "field" },
    label({ for: "prompt" }, "Prompt"),
    textarea({
      id: "prompt",
      rows: 3,
      placeholder: "What should be drawn?",
      value: prompt.value,
      "aria-describedby": "prompt-count",
      "aria-invalid": length > MAX_PROMPT,
      onInput: ({ currentTarget }) => prompt.value = currentTarget.value,
    }),
    p(
      {
        id: "prompt-count",
        class: length > MAX_PROMPT ? "hint wrong" : "hint",
        hidden: length < NEAR_LIMIT,
      },
      `${numberOf(length)} of ${numberOf(MAX_PROMPT)} characters`,
    ),
  );
}

function ActionBar(): View {
  const running = ownRunning.value;
  return div(
    { class: "actions" },
    problem.value !== "" &&
      p({ class: "problem", role: "alert" }, problem.value),
    !isKept.value &&
      p(
        { class: "hint" },
        "The browser does not keep the draft: it is gone when you reload.",
      ),
    div(
      { class: "buttons" },
      button({ type: "submit", class: "primary" }, "Generate"),
      running.length > 0 && button({
        type: "button",
        onClick: () => running.forEach((run) => void cancelRun(run)),
      }, running.length > 1 ? span(null, "Cancel all") : "Cancel"),
    ),
  );
}

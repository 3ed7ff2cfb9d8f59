/** What stands above everything: what is not in order and what to do about it, and how much of the plan is left. */
import { useSignal } from "@preact/signals";
import { h } from "preact";
import { key, keyNeeded, online, wordsOf } from "./api.ts";
import { copyText } from "./clipboard.ts";
import type { Usage } from "./contract.ts";
import {
  button,
  type Children,
  classes,
  code,
  details,
  div,
  li,
  p,
  span,
  strong,
  summary,
  ul,
  type View,
} from "./dom.ts";
import { prompt } from "./draft.ts";
import { whenOf } from "./format.ts";
import { health, lookAgain, resume, troubles, usage } from "./server.ts";
import { focusPrompt } from "./composer.ts";

const LOGIN = "codex login";

/** Words that provoke what the real service may do. */
const SANDBOX_WORDS = [
  "sandbox:moderation@2",
  "sandbox:refuse",
  "sandbox:no-image",
  "sandbox:usage-limit",
  "sandbox:rate-limit",
  "sandbox:expired-login",
  "sandbox:error",
  "sandbox:slow=8000",
  "sandbox:hang",
];

/** Shows what is not in order. */
export function Banners(): View {
  return div(
    { class: "banners" },
    !online.value && banner(
      "bad",
      [
        strong(null, "The server does not answer. "),
        "Trying again; the draft is safe.",
      ],
    ),
    health.value?.auth_required && key.value === "" && banner(
      "warn",
      strong(null, "This server needs its key."),
      button({
        type: "button",
        class: "small",
        onClick: () => {
          keyNeeded.value = true;
        },
      }, "Enter the key"),
    ),
    online.value &&
      troubles.value.map(({ detail, name }) =>
        h(Trouble, { key: name, name, detail })
      ),
    usage.value?.paused && h(Paused, { usage: usage.value }),
    usage.value?.limit_reached && !usage.value.paused && banner(
      "warn",
      [strong(null, "The usage limit is reached. "), refillOf(usage.value)],
    ),
    health.value?.sandbox && h(Sandbox, null),
  );
}

/** Shows how much of the plan is used. */
export function UsageMeter(): View {
  const isOpen = useSignal(false);
  if (usage.value === undefined || usage.value.windows.length === 0) {
    return null;
  }
  const { windows } = usage.value;
  return details(
    {
      class: "usage",
      onToggle: ({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      },
    },
    summary(
      { title: "How much of the plan is used" },
      windows.map(({ minutes, used_percent }) =>
        span(
          {
            key: `${minutes}`,
            class: classes("window", used_percent >= 90 && "full"),
          },
          `${windowName(minutes)} `,
          span(
            { class: "meter" },
            span({ style: { width: `${Math.min(100, used_percent)}%` } }),
          ),
          ` ${Math.round(used_percent)} %`,
        )
      ),
    ),
    // The first time that is written takes longer than all of the page to be drawn.
    isOpen.value && h(UsagePanel, usage.value),
  );
}

function UsagePanel({ images, source, windows }: Usage): View {
  const each = images?.percent_per_image;
  return div(
    { class: "panel" },
    ul(
      null,
      windows.map(({ limit, minutes, resets_at, used_percent }) =>
        li(
          { key: `${limit} ${minutes}` },
          `${windowName(minutes)}: ${used_percent.toFixed(0)} % used`,
          resets_at !== null && `, anew from ${whenOf(new Date(resets_at))}`,
        )
      ),
    ),
    each !== undefined && p(
      { class: "hint" },
      `About ${each.toFixed(2)} % a picture (estimate).`,
    ),
    source === "last_run" && p({ class: "hint" }, "As the last run has told."),
  );
}

function Trouble(
  { detail, name }: { readonly name: string; readonly detail: string },
): View {
  if (name === "login") {
    return banner(
      "bad",
      [
        strong(null, "Codex is not logged in. "),
        "Type ",
        code(null, LOGIN),
        " in a terminal on the server; this page looks again every five seconds. ",
        span({ class: "hint" }, detail),
      ],
      button({
        type: "button",
        class: "small",
        onClick: () => void copyText(LOGIN, LOGIN),
      }, "Copy command"),
    );
  }
  // Another banner says it better.
  const isSaid = usage.value?.paused || usage.value?.limit_reached;
  if (name === "usage_limit" && isSaid) return null;
  const isLoggedOut = troubles.value.some((one) => one.name === "login");
  if (name === "login_writable" && isLoggedOut) return null;
  const titles: Readonly<Record<string, string>> = {
    codex: "Codex does not run. ",
    free_disk: "The disk is full. ",
    image_tool: "Codex has no image tool. ",
    login_writable: "The login cannot be refreshed. ",
    output_writable: "Pictures cannot be kept. ",
    usage_limit: "The usage limit is reached. ",
  };
  const remedies: Readonly<Record<string, string>> = {
    free_disk: ": make room, or delete pictures in the library.",
  };
  return banner(
    name === "login_writable" ? "warn" : "bad",
    [strong(null, titles[name] ?? `${name}: `), detail, remedies[name]],
    button(
      { type: "button", class: "small", onClick: () => void lookAgain() },
      "Look again",
    ),
  );
}

function Paused({ usage: { paused } }: { readonly usage: Usage }): View {
  const problem = useSignal("");
  const until = paused?.until;
  return banner(
    "warn",
    [
      strong(null, "The usage limit is reached. "),
      until
        ? `New pictures wait until ${whenOf(new Date(until))}. `
        : "New pictures wait. ",
      problem.value,
    ],
    button({
      type: "button",
      class: "small",
      onClick: () => resume().catch((error) => problem.value = wordsOf(error)),
    }, "Resume"),
  );
}

function Sandbox(): View {
  return details(
    { class: "banner sandbox" },
    summary(
      null,
      strong(null, "Sandbox: "),
      "no account, no quota, made-up pictures. ",
      span({ class: "link" }, "Try failures"),
    ),
    div(
      { class: "buttons" },
      SANDBOX_WORDS.map((word) =>
        button({
          key: word,
          type: "button",
          class: "small",
          onClick: () => {
            prompt.value = `${prompt.value.trim()} ${word}`.trim();
            focusPrompt();
          },
        }, word.replace("sandbox:", ""))
      ),
    ),
  );
}

function banner(kind: string, words: Children, action?: Children): View {
  return div(
    { class: `banner ${kind}`, role: kind === "bad" ? "alert" : undefined },
    p(null, words),
    action,
  );
}

/** Says when there is something left again: when all windows that are used up have begun anew. */
function refillOf({ windows }: Usage): string {
  const ends = windows.flatMap(({ resets_at, used_percent }) =>
    used_percent >= 100 && resets_at !== null ? [Date.parse(resets_at)] : []
  );
  return ends.length === 0
    ? "New pictures fail until it begins anew."
    : `New pictures fail until ${whenOf(new Date(Math.max(...ends)))}.`;
}

function windowName(minutes: number | null): string {
  if (minutes === null) return "Plan";
  if (minutes % 10_080 === 0) {
    return minutes === 10_080 ? "Week" : `${minutes / 10_080} weeks`;
  }
  return minutes % 1_440 === 0
    ? `${minutes / 1_440} d`
    : `${Math.round(minutes / 60)} h`;
}

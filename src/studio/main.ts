/** The page: two views by the hash, and what lies over them. */
import { effect, signal, untracked } from "@preact/signals";
import { h, render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Announcements, startAnnouncing } from "./announce.ts";
import { keyNeeded, NO_ANSWER, online } from "./api.ts";
import { Banners, UsageMeter } from "./banners.ts";
import { startClock } from "./clock.ts";
import { isOpen } from "./closeup.ts";
import { Composer, focusPrompt } from "./composer.ts";
import {
  a,
  button,
  div,
  focusOn,
  h1,
  header,
  main,
  nav,
  span,
  type View,
} from "./dom.ts";
import { keepDraft, problem } from "./draft.ts";
import { followEvents } from "./events.ts";
import { helpIsOpen, listenForKeys, search } from "./keys.ts";
import { deleteOnLeave } from "./library.ts";
import { lazy } from "./lazy.ts";
import { listenForFiles } from "./reference_field.ts";
import { Runs } from "./run_view.ts";
import { fetchRuns, isRunning, noteEvent, runs, shareRecords } from "./runs.ts";
import { lookAgain, meetServer } from "./server.ts";
import { keepValue, readValue } from "./storage.ts";
import { Toasts } from "./toast.ts";

const THEME = "studio.theme";
const THEMES = ["light dark", "light", "dark"] as const;
const THEME_NAMES = { "light dark": "Auto", light: "Light", dark: "Dark" };
/** How often a hidden page looks after its runs: it has no stream of events. */
const HIDDEN_MS = 5_000;
/** How high the top is without banners, as the style has it too, in pixels. */
const USUAL_TOP = 55;

const Closeup = lazy(async () => (await import("./closeup_view.ts")).Closeup);
const HelpDialog = lazy(async () => (await import("./dialogs.ts")).HelpDialog);
const KeyDialog = lazy(async () => (await import("./dialogs.ts")).KeyDialog);
const Library = lazy(async () => (await import("./library_view.ts")).Library);

const view = signal(viewOfHash());
const theme = signal<typeof THEMES[number]>(readValue(THEME, THEMES[0]));

function App({ onKey }: { readonly onKey: () => void }): View {
  const isLibrary = view.value === "library";
  const top = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => tellHeight(top.current), []);
  return [
    div(
      { ref: top, class: "top" },
      header(
        null,
        h1(
          null,
          logo(),
          span(null, "Image studio"),
        ),
        nav(
          { "aria-label": "Views" },
          link("create", "Create"),
          link("library", "Library"),
        ),
        h(UsageMeter, null),
        div(
          { class: "buttons" },
          button(
            {
              type: "button",
              class: "small",
              title: "Light or dark",
              onClick: () => {
                const next = (THEMES.indexOf(theme.value) + 1) % THEMES.length;
                theme.value = THEMES[next];
              },
            },
            span({ class: "unseen" }, "Colours: "),
            THEME_NAMES[theme.value],
          ),
          button({
            type: "button",
            class: "small",
            "aria-label": "Keys",
            title: "Keys (?)",
            onClick: () => helpIsOpen.value = true,
          }, "?"),
        ),
      ),
      h(Banners, null),
    ),
    main(
      { id: "main", class: isLibrary ? "main" : "main create", tabIndex: -1 },
      isLibrary
        ? h(Library, {})
        : [h(Composer, { key: "composer" }), h(Runs, { key: "runs" })],
    ),
    isOpen.value && h(Closeup, {}),
    helpIsOpen.value && h(HelpDialog, {}),
    keyNeeded.value && h(KeyDialog, { onReady: onKey }),
    h(Announcements, null),
    // The dialog has them while it is open: nothing else can be seen and pressed then.
    !isOpen.value && h(Toasts, null),
  ];
}

/** Draws the icon of the page: one more file would come, and be painted, after the form. */
function logo(): View {
  return h(
    "svg",
    { viewBox: "0 0 32 32", width: 26, height: 26, "aria-hidden": "true" },
    h("rect", { width: 32, height: 32, rx: 8, fill: "#4b3fd6" }),
    h("circle", { cx: 21, cy: 11, r: 4, fill: "#ffd9a0" }),
    h("path", { d: "M4 25 12 13l6 8 4-4 6 8z", fill: "#fff" }),
  );
}

/** Tells the style how high the top is, below which the form begins. */
function tellHeight(top: HTMLElement | null): () => void {
  let told = USUAL_TOP;
  const sizes = new ResizeObserver(() => {
    const height = top?.offsetHeight ?? 0;
    // All of the page would get its style again for the same.
    if (height === told) return;
    told = height;
    document.documentElement.style.setProperty("--top", `${height}px`);
  });
  if (top !== null) sizes.observe(top);
  return () => sizes.disconnect();
}

function link(name: string, title: string): View {
  return a({
    href: `#${name}`,
    "aria-current": view.value === name ? "page" : undefined,
  }, title);
}

function viewOfHash(): string {
  return location.hash === "#library" ? "library" : "create";
}

function openSearch(): void {
  location.hash = "#library";
  focusOn("#search");
}

async function refreshRuns(): Promise<void> {
  // Without an answer the stream of events breaks too, and comes back to this.
  await fetchRuns().catch(() => {});
}

addEventListener("hashchange", () => {
  view.value = viewOfHash();
  scrollTo(0, 0);
});
effect(() => {
  document.documentElement.style.colorScheme = theme.value;
  keepValue(THEME, theme.value);
});
effect(() => {
  if (!online.value) return void untracked(lookAgain);
  if (problem.peek() === NO_ANSWER) problem.value = "";
});
search.current = openSearch;
let again: (() => void) | undefined;
const root = document.querySelector("#app");
if (root !== null) render(h(App, { onKey }), root);
keepDraft();
shareRecords();
startClock();
startAnnouncing();
deleteOnLeave();
listenForKeys();
listenForFiles(() => location.hash = "#create");
// The form is painted first: what the server answers would only delay it.
requestAnimationFrame(() => setTimeout(() => void begin()));

function onKey(): void {
  focusPrompt();
  void begin();
}

async function begin(): Promise<void> {
  await meetServer();
  if (keyNeeded.value) return;
  if (again !== undefined) return again();
  again = followEvents({
    onOpen: () => {
      void refreshRuns();
      void lookAgain();
    },
    onEvent: noteEvent,
  });
  setInterval(() => {
    const isWaited = runs.value.some(({ value }) => isRunning(value));
    if (document.hidden && isWaited) void refreshRuns();
  }, HIDDEN_MS);
}

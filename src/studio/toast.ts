/** A line at the foot of the page that says what was done, and may take it back. */
import { signal } from "@preact/signals";
import { button, div, span, type Timer, type View } from "./dom.ts";

const SHOWN_MS = 6_000;

/** What can be done about it. */
export interface ToastAction {
  readonly label: string;
  readonly act: () => void;
}

const shown = signal<
  { readonly text: string; readonly action?: ToastAction }
>();
let timer: Timer;

/** Shows a line for six seconds, in the place of the one before. */
export function toast(text: string, action?: ToastAction): void {
  clearTimeout(timer);
  shown.value = { text, action };
  timer = setTimeout(() => shown.value = undefined, SHOWN_MS);
}

/** The place of the line; it is there before the line, or it would not be read out. */
export function Toasts(): View {
  const { text, action } = shown.value ?? {};
  return div(
    { class: "toasts", role: "status" },
    text !== undefined && div(
      { class: "toast" },
      span(null, text),
      action !== undefined && button({
        type: "button",
        onClick: () => {
          shown.value = undefined;
          action.act();
        },
      }, action.label),
    ),
  );
}

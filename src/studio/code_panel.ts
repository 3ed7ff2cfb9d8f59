/** The form as a program, to copy. */
import { signal } from "@preact/signals";
import { copyText } from "./clipboard.ts";
import {
  codeOf,
  type CodeOptions,
  type Language,
  LANGUAGES,
} from "./code_samples.ts";
import { button, code, div, icon, pre, type View } from "./dom.ts";
import { currentDraft } from "./draft.ts";
import { health } from "./server.ts";

const language = signal<Language>("curl");

/** Shows the program, written anew with each change of the form. */
export function CodePanel(): View {
  const written = codeOf(language.value, currentDraft(), options());
  return div(
    null,
    div(
      { class: "buttons" },
      LANGUAGES.map((one) =>
        button({
          key: one,
          type: "button",
          class: "small",
          "aria-pressed": one === language.value,
          onClick: () => {
            language.value = one;
          },
        }, one)
      ),
      button(
        {
          type: "button",
          class: "small push",
          onClick: () => void copyText(written, language.value),
        },
        icon("copy"),
        "Copy",
      ),
    ),
    pre(
      { tabIndex: 0, "aria-label": `The form as ${language.value}` },
      code(null, written),
    ),
  );
}

function options(): CodeOptions {
  return {
    base: location.href.replace(/\/?(?:[?#].*)?$/, ""),
    keyNeeded: health.value?.auth_required ?? false,
  };
}

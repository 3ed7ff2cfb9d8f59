/** The dialogs of the page but the one with pictures: keys, and the key of the server. */
import { type Signal, useSignal } from "@preact/signals";
import { keyNeeded, keyProblem, setKey } from "./api.ts";
import {
  button,
  type Children,
  dd,
  dialog,
  div,
  dl,
  dt,
  form,
  h2,
  icon,
  input,
  kbd,
  label,
  p,
  type View,
} from "./dom.ts";
import { helpIsOpen, KEYS, lettersAreOn } from "./keys.ts";
import { useModal } from "./modal.ts";

/** Shows all keys. */
export function HelpDialog(): View {
  return modal(
    helpIsOpen,
    "Keys",
    dl(
      { class: "keys" },
      KEYS.map(([keys, what]) => [dt(null, kbd(null, keys)), dd(null, what)]),
    ),
    label(
      { class: "check" },
      input({
        type: "checkbox",
        checked: lettersAreOn.value,
        onChange: ({ currentTarget }) =>
          lettersAreOn.value = currentTarget.checked,
      }),
      "Single keys are on",
    ),
  );
}

/** Asks for the key of the server; `onReady` is called when it is right. */
export function KeyDialog({ onReady }: { readonly onReady: () => void }): View {
  const value = useSignal("");
  const remember = useSignal(false);
  const problem = useSignal("");
  const enter = async (event: Event) => {
    event.preventDefault();
    const tried = value.value.trim();
    const wrong = await keyProblem(tried);
    problem.value = wrong ?? "";
    if (wrong !== undefined) return;
    setKey(tried, remember.value);
    keyNeeded.value = false;
    onReady();
  };
  return modal(
    keyNeeded,
    "This server needs its key",
    p(null, "It is the setting CODEX_IMAGE_SERVER_API_KEY of the server."),
    form(
      { onSubmit: enter },
      label({ for: "key" }, "Key"),
      input({
        id: "key",
        type: "password",
        autocomplete: "off",
        required: true,
        autofocus: true,
        value: value.value,
        onInput: ({ currentTarget }) => value.value = currentTarget.value,
      }),
      label(
        { class: "check" },
        input({
          type: "checkbox",
          checked: remember.value,
          onChange: ({ currentTarget }) =>
            remember.value = currentTarget.checked,
        }),
        "Remember it in this browser",
      ),
      problem.value !== "" &&
        p({ class: "problem", role: "alert" }, problem.value),
      div(
        { class: "buttons" },
        button({ type: "submit", class: "primary" }, "Enter"),
      ),
    ),
  );
}

function modal(
  isOpen: Signal<boolean>,
  title: string,
  ...content: Children[]
): View {
  return dialog(
    {
      ref: useModal(isOpen),
      class: "modal",
      "aria-label": title,
      onClose: () => isOpen.value = false,
    },
    isOpen.value && [
      div(
        { class: "bar" },
        h2(null, title),
        button({
          type: "button",
          class: "tool",
          "aria-label": "Close",
          onClick: () => isOpen.value = false,
        }, icon("close")),
      ),
      ...content,
    ],
  );
}

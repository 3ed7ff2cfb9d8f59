/** Dialogs that hold the rest of the page off while they are open. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Opens and closes a dialog with a signal; the focus goes back to where it was. */
export function useModal(
  isOpen: ReadonlySignal<boolean>,
): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null);
  // As soon as it is there, or the next key would be for what is behind it.
  useLayoutEffect(() =>
    effect(() => {
      if (isOpen.value) element.current?.showModal();
      else element.current?.close();
    }), []);
  return element;
}

/** Parts of the page that are loaded when they are first shown. */
import { signal } from "@preact/signals";
import { type ComponentType, h } from "preact";
import type { View } from "./dom.ts";

/** Makes a component out of one that is still to be loaded; until then there is nothing. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): (props: Props) => View {
  const loaded = signal<ComponentType<Props>>();
  let loading: Promise<void> | undefined;
  return (props) => {
    if (loaded.value !== undefined) return h(loaded.value, props);
    loading ??= load().then(
      (component) => {
        loaded.value = component;
      },
      // The server may be back when it is shown again.
      () => {
        loading = undefined;
      },
    );
    return null;
  };
}

/** The dialog in which pictures are looked at. */
import { useSignalEffect } from "@preact/signals";
import { h } from "preact";
import { useRef } from "preact/hooks";
import {
  closeLook,
  current,
  fit,
  group,
  isComparing,
  isOpen,
  type Look,
  neighbours,
  panBy,
  show,
  step,
  toggleCompare,
  zoom,
  zoomBy,
} from "./closeup.ts";
import { Details } from "./details.ts";
import {
  button,
  classes,
  dialog,
  div,
  h2,
  header,
  icon,
  span,
  type View,
} from "./dom.ts";
import { useModal } from "./modal.ts";
import { picture } from "./picture.ts";
import { Toasts } from "./toast.ts";

const STEP = 1.5;

/** Shows the dialog while there is something to look at. */
export function Closeup(): View {
  return dialog(
    {
      ref: useModal(isOpen),
      class: "closeup",
      "aria-labelledby": "closeup-title",
      onClose: closeLook,
    },
    current.value !== undefined &&
      [
        h(Bar, null),
        h(Stage, null),
        h(Details, { look: current.value }),
        h(Toasts, null),
      ],
  );
}

function Bar(): View {
  const { after, before } = neighbours.value;
  const shown = group.value;
  const at = shown.findIndex(({ id }) => id === current.value?.id);
  const { scale } = zoom.value;
  return header(
    { class: "bar" },
    h2(
      { id: "closeup-title" },
      isComparing.value
        ? `Comparing ${shown.length}`
        : shown.length > 1
        ? `${at + 1} of ${shown.length}`
        : "Picture",
    ),
    div(
      { class: "buttons thumbs" },
      shown.length > 1 && shown.map(({ id }, i) =>
        button({
          key: id,
          type: "button",
          class: "thumb",
          title: `Show ${i + 1} (${i + 1})`,
          "aria-label": `Show ${i + 1}`,
          "aria-pressed": !isComparing.value && id === current.value?.id,
          onClick: () => show(id),
        }, picture({ id, variant: "thumbnail", alt: "" }))
      ),
      shown.length > 1 && button(
        {
          type: "button",
          title: "Compare side by side (C)",
          "aria-pressed": isComparing.value,
          onClick: toggleCompare,
        },
        icon("compare"),
        span({ class: "wide-only" }, "Compare"),
      ),
    ),
    div(
      { class: "buttons" },
      button({
        type: "button",
        class: "tool",
        "aria-label": "Zoom out",
        title: "Zoom out (−)",
        disabled: scale === 1,
        onClick: () => zoomBy(1 / STEP),
      }, "−"),
      button({
        type: "button",
        class: "zoom",
        "aria-label": `${Math.round(scale * 100)} %, show the whole`,
        title: "Show the whole (0)",
        onClick: fit,
      }, `${Math.round(scale * 100)} %`),
      button({
        type: "button",
        class: "tool",
        "aria-label": "Zoom in",
        title: "Zoom in (+)",
        onClick: () => zoomBy(STEP),
      }, "+"),
      button({
        type: "button",
        class: "tool",
        "aria-label": "Picture before",
        title: "Picture before (←)",
        disabled: !before,
        onClick: () => step(-1),
      }, icon("left")),
      button({
        type: "button",
        class: "tool",
        "aria-label": "Next picture",
        title: "Next picture (→)",
        disabled: !after,
        onClick: () => step(1),
      }, icon("right")),
      button({
        type: "button",
        class: "tool",
        "aria-label": "Close",
        title: "Close (Esc)",
        onClick: closeLook,
      }, icon("close")),
    ),
  );
}

function Stage(): View {
  const shown = isComparing.value
    ? group.value
    : current.value === undefined
    ? []
    : [current.value];
  return div(
    {
      class: classes(
        "stage",
        shown.length > 1 && "several",
        shown.length === 2 && "two",
      ),
    },
    shown.map((look, i) =>
      h(Pane, { key: look.id, look, place: i + 1, of: shown.length })
    ),
  );
}

function Pane(
  { look, of, place }: {
    readonly look: Look;
    readonly place: number;
    readonly of: number;
  },
): View {
  const moved = useRef<HTMLDivElement>(null);
  const pointers = useRef(new Map<number, PointerEvent>()).current;
  // Without drawing anything anew: it follows the finger.
  useSignalEffect(() => {
    const { scale, x, y } = zoom.value;
    moved.current?.style.setProperty(
      "transform",
      `translate(${x * 100}%, ${y * 100}%) scale(${scale})`,
    );
    moved.current?.classList.toggle("pixels", scale > 4);
  });
  return div(
    {
      class: "pane",
      onWheel: (event) => {
        event.preventDefault();
        zoomBy(Math.exp(-event.deltaY / 300), placeIn(event));
      },
      onDblClick: (event) => {
        if (zoom.value.scale > 1) fit();
        else zoomBy(4, placeIn(event));
      },
      onPointerDown: (event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, event);
      },
      onPointerMove: (event) => movePointer(pointers, event),
      onPointerUp: ({ pointerId }) => pointers.delete(pointerId),
      onPointerCancel: ({ pointerId }) => pointers.delete(pointerId),
    },
    div(
      { ref: moved, class: "moved" },
      picture({ id: look.id, alt: look.alt }),
    ),
    of > 1 && button({
      type: "button",
      class: "place",
      title: `Show ${place} alone (${place})`,
      "aria-label": `Show ${place} alone`,
      onClick: () => show(look.id),
      onPointerDown: (event) => event.stopPropagation(),
    }, `${place}`),
  );
}

/** One finger moves, two fingers zoom. */
function movePointer(
  pointers: Map<number, PointerEvent>,
  event: PointerEvent & { readonly currentTarget: HTMLElement },
): void {
  const before = pointers.get(event.pointerId);
  if (before === undefined) return;
  const other = [...pointers.values()]
    .find(({ pointerId }) => pointerId !== event.pointerId);
  pointers.set(event.pointerId, event);
  const { clientHeight, clientWidth } = event.currentTarget;
  if (other === undefined) {
    panBy(
      (event.clientX - before.clientX) / clientWidth,
      (event.clientY - before.clientY) / clientHeight,
    );
    return;
  }
  const between = (one: PointerEvent) =>
    Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  zoomBy(between(event) / Math.max(1, between(before)), placeIn(event));
}

/** Where in a pane something happened, from its middle. */
function placeIn(
  event: MouseEvent & { readonly currentTarget: HTMLElement },
): { readonly x: number; readonly y: number } {
  const box = event.currentTarget.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) / box.width - 0.5,
    y: (event.clientY - box.top) / box.height - 0.5,
  };
}

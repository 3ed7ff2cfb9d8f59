/** A picture of the server, also of one that wants a key, which an address cannot bring. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { imagePath, key, send } from "./api.ts";
import { classes, img, span, type View } from "./dom.ts";

/** How many fetched pictures are kept, those used last. */
const MAX_KEPT = 240;

/** What is shown. */
export interface PictureProps {
  readonly id: string;
  readonly variant?: "delivered" | "thumbnail";
  readonly alt: string;
  readonly class?: string;
  /** How long it must be there before it is loaded, in milliseconds, for those that fly by. */
  readonly waitMs?: number;
  readonly onSize?: (width: number, height: number) => void;
}

const fetched = new Map<string, Promise<string>>();

/** Shows a picture; where its file is gone, that. */
export function Picture(props: PictureProps): View {
  const { alt, id, variant = "delivered", waitMs = 0 } = props;
  const path = imagePath(id, variant);
  const element = useRef<HTMLImageElement>(null);
  const isWaiting = useSignal(waitMs > 0);
  const address = useSignal("");
  const failed = useSignal("");
  useEffect(() => {
    const timer = setTimeout(() => {
      isWaiting.value = false;
    }, waitMs);
    return () => {
      clearTimeout(timer);
      // A browser goes on loading for an element that is gone.
      element.current?.removeAttribute("src");
    };
  }, []);
  useSignalEffect(() => {
    if (isWaiting.value) return;
    if (key.value === "") {
      address.value = path;
      return;
    }
    fetchPicture(path).then(
      (url) => address.value = url,
      () => failed.value = path,
    );
  });
  if (failed.value === path) {
    return span({ class: "gone", role: "img", "aria-label": alt }, "File gone");
  }
  return img({
    ref: element,
    class: classes("picture", props.class),
    src: address.value || undefined,
    alt,
    decoding: "async",
    draggable: true,
    onDragStart: (event) => event.dataTransfer?.setData(DRAGGED, id),
    onError: () => failed.value = path,
    onLoad: ({ currentTarget: { naturalHeight, naturalWidth } }) =>
      props.onSize?.(naturalWidth, naturalHeight),
  });
}

/** The kind of data that is dragged with a picture of the page: its id. */
export const DRAGGED = "application/x-studio-picture";

/** Draws a picture; another one is another element. */
export function picture(props: PictureProps): View {
  return h(Picture, { key: props.id + (props.variant ?? ""), ...props });
}

function fetchPicture(path: string): Promise<string> {
  const known = fetched.get(path);
  const url = known ??
    send(path).then(async (response) =>
      URL.createObjectURL(await response.blob())
    );
  fetched.delete(path);
  fetched.set(path, url);
  if (known === undefined) {
    url.catch(() => fetched.delete(path));
    revokeOldest();
  }
  return url;
}

function revokeOldest(): void {
  if (fetched.size <= MAX_KEPT) return;
  const [oldest, url] = fetched.entries().next().value ?? [];
  if (oldest === undefined) return;
  fetched.delete(oldest);
  // What is shown stays shown: an image that is loaded needs its address no more.
  url?.then(URL.revokeObjectURL, () => {});
}

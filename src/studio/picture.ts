/** A picture of the server, also of one that wants a key, which an address cannot bring. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, imagePath, key, online, send } from "./api.ts";
import { classes, img, span, type View } from "./dom.ts";
import { enqueue } from "./picture_queue.ts";

/** How many fetched pictures are kept, those used last. */
const MAX_KEPT = 240;
/** How often a picture that fails is asked for again, and after how many milliseconds. */
const MAX_TRIES = 3;
const RETRY_MS = 500;

/** What is shown. */
export interface PictureProps {
  readonly id: string;
  readonly variant?: "delivered" | "thumbnail";
  readonly alt: string;
  readonly class?: string;
  /** Whether it is one of many, which are loaded as they are seen. */
  readonly isQueued?: boolean;
  readonly onSize?: (width: number, height: number) => void;
}

const fetched = new Map<string, Promise<string>>();
/** What was loaded before; the browser has most of it. */
const seen = new Set<string>();

/** Shows a picture; where its file is gone, that. */
export function Picture(props: PictureProps): View {
  const { alt, id, isQueued = false, variant = "delivered" } = props;
  const path = imagePath(id, variant);
  const element = useRef<HTMLImageElement>(null);
  const isWaiting = useSignal(isQueued);
  const isKept = useRef(seen.has(path)).current;
  const leave = useRef(() => {});
  const address = useSignal("");
  const failed = useSignal("");
  const isLate = useSignal(false);
  const tries = useRef(0);
  useEffect(() => {
    if (isQueued) {
      leave.current = enqueue({
        element: element.current,
        isKept,
        load: () => isWaiting.value = false,
      });
    }
    return () => {
      leave.current();
      // A browser goes on loading for an element that is gone.
      element.current?.removeAttribute("src");
    };
  }, []);
  useSignalEffect(() => {
    if (isWaiting.value || isLate.value) return;
    if (key.value === "") {
      address.value = path;
      return;
    }
    fetchPicture(path).then(
      (url) => address.value = url,
      fail,
    );
  });
  useSignalEffect(() => {
    if (online.value) isLate.value = false;
  });
  // What a server that was away did not give is asked for again when it is back.
  const fail = async () => {
    leave.current();
    const wasThere = await isThere(path);
    if (wasThere === false || wasThere && tries.current++ === MAX_TRIES) {
      failed.value = path;
      return;
    }
    address.value = "";
    isLate.value = true;
    if (online.value) setTimeout(() => isLate.value = false, RETRY_MS);
  };
  if (failed.value === path) {
    return span({ class: "gone", role: "img", "aria-label": alt }, "File gone");
  }
  return img({
    ref: element,
    class: classes("picture", props.class),
    src: address.value || undefined,
    alt,
    // What was seen before comes back in the same frame.
    decoding: isKept ? "sync" : "async",
    draggable: true,
    onDragStart: (event) => event.dataTransfer?.setData(DRAGGED, id),
    onError: fail,
    onLoad: ({ currentTarget: { naturalHeight, naturalWidth } }) => {
      seen.add(path);
      leave.current();
      props.onSize?.(naturalWidth, naturalHeight);
    },
  });
}

/** The kind of data that is dragged with a picture of the page: its id. */
export const DRAGGED = "application/x-studio-picture";

/** Draws a picture; another one is another element. */
export function picture(props: PictureProps): View {
  return h(Picture, { key: props.id + (props.variant ?? ""), ...props });
}

/** Tells whether the server has a picture; nothing where there is no answer. */
async function isThere(path: string): Promise<boolean | undefined> {
  try {
    await send(path, { method: "HEAD" });
    return true;
  } catch (error) {
    return error instanceof ApiError && error.status === 0 ? undefined : false;
  }
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

/** When the pictures of the library are loaded: none while they fly past, few at once, those in the window first. */

/** How many are loaded at once: a browser has six connections for a server. */
const MOST = 4;
/** How long the window must stand still, in milliseconds. */
const REST_MS = 100;
/** What is in the window for less than this flies past, in milliseconds. */
const CROSSING_MS = 300;

/** A picture that is to be loaded. */
export interface Waiting {
  /** Where it is shown. */
  readonly element: Element | null;
  /** Whether the browser has it already, so that it takes no time. */
  readonly isKept: boolean;
  /** Called when it is its turn. */
  readonly load: () => void;
}

const waiting = new Set<Waiting>();
const loading = new Set<Waiting>();
let isFlying = false;
let last = { top: 0, at: 0 };
let timer: ReturnType<typeof setTimeout> | undefined;
let frame = 0;

/**
 * Loads a picture when it is its turn.
 *
 * @returns What is called when it is loaded, cannot be loaded, or is gone.
 */
export function enqueue(picture: Waiting): () => void {
  waiting.add(picture);
  loadNext();
  return () => {
    waiting.delete(picture);
    if (loading.delete(picture)) loadNext();
  };
}

/** Takes in that the window has moved. */
export function noteScroll(): void {
  const at = performance.now();
  const speed = Math.abs(scrollY - last.top) / (at - last.at);
  last = { top: scrollY, at };
  isFlying = speed > innerHeight / CROSSING_MS;
  clearTimeout(timer);
  cancelAnimationFrame(frame);
  // A slow machine takes longer than that from one frame to the next.
  timer = setTimeout(() => frame = requestAnimationFrame(rest), REST_MS);
  loadNext();
}

function rest(): void {
  isFlying = false;
  loadNext();
}

function loadNext(): void {
  if (isFlying || waiting.size === 0) return;
  for (const picture of waiting) {
    if (picture.isKept) start(picture);
  }
  if (waiting.size === 0 || loading.size >= MOST) return;
  for (const picture of [...waiting].toSorted(byDistance)) {
    if (loading.size >= MOST) return;
    loading.add(picture);
    start(picture);
  }
}

function start(picture: Waiting): void {
  waiting.delete(picture);
  picture.load();
}

function byDistance(one: Waiting, other: Waiting): number {
  return distanceOf(one) - distanceOf(other);
}

/** How far a picture is from the window, in pixels. */
function distanceOf({ element }: Waiting): number {
  if (element === null) return Infinity;
  const { bottom, top } = element.getBoundingClientRect();
  return Math.max(0, -bottom, top - innerHeight);
}

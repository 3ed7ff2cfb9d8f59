/** The keyboard: what each key does, and where. */
import { effect, signal } from "@preact/signals";
import { download, remove, reusePicture, useAsReference } from "./actions.ts";
import * as closeup from "./closeup.ts";
import { generate } from "./composer.ts";
import { keepValue, readValue } from "./storage.ts";

const SWITCH = "studio.letters";
const ZOOM = 1.5;

/** All keys, for those who ask. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["Ctrl/⌘ + Enter", "Generate"],
  ["Arrows, Enter", "Go through pictures, look at one"],
  ["/", "Search the library"],
  ["C", "Compare the pictures of the run"],
  ["1 to 4", "Show one of them"],
  ["Space", "Flip between the last two"],
  ["+ − 0", "Zoom in, out, show the whole"],
  ["R", "Reuse all settings and references"],
  ["E", "Take as a reference"],
  ["D", "Download"],
  ["Del", "Delete, with Undo"],
  ["Esc", "Close; it never cancels a run"],
  ["?", "These keys"],
];

/** Whether single letters do anything. */
export const lettersAreOn = signal(readValue(SWITCH, true));

/** Whether the keys are shown. */
export const helpIsOpen = signal(false);

/** Opens the run or the selection that a picture is of, beside each other; the views know how. */
export const compareFrom = { current: (_id: string) => {} };

/** Shows the search of the library. */
export const search = { current: () => {} };

/** Listens from now on. */
export function listenForKeys(): void {
  effect(() => void keepValue(SWITCH, lettersAreOn.value));
  addEventListener("keydown", (event) => {
    if (document.querySelector(".modal[open]") !== null) return;
    // Also while its dialog is still on its way.
    if (closeup.isOpen.value) return handleCloseupKey(event);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void generate();
      return;
    }
    if (!isLetter(event)) return;
    const id = pictureOf(event.target);
    if (event.key === "/") search.current();
    else if (event.key === "?") helpIsOpen.value = true;
    else if (id === undefined) return;
    else if (event.key === "c") compareFrom.current(id);
    else if (!act(event.key, id)) return;
    event.preventDefault();
  });
}

/** Moves the focus through the cells of a grid by arrows, of which one at a time can be reached by Tab. */
export function moveInGrid(
  event: KeyboardEvent & { readonly currentTarget: HTMLElement },
): void {
  const cells = [...event.currentTarget.querySelectorAll<HTMLElement>(".cell")];
  const from = cells.findIndex((cell) => cell === event.target);
  if (from < 0) return;
  const to = cellAt(cells, from, event.key);
  if (to === undefined) return;
  event.preventDefault();
  cells[from].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** Finds the cell that an arrow leads to: the next one, or the nearest in the row above or below. */
export function cellAt(
  cells: readonly HTMLElement[],
  from: number,
  key: string,
): HTMLElement | undefined {
  if (key === "ArrowRight") return cells[from + 1];
  if (key === "ArrowLeft") return cells[from - 1];
  if (key === "Home") return cells[0];
  if (key === "End") return cells.at(-1);
  if (key !== "ArrowDown" && key !== "ArrowUp") return;
  const here = cells[from].getBoundingClientRect();
  const way = key === "ArrowDown" ? 1 : -1;
  const boxes = cells.map((cell) => ({
    cell,
    box: cell.getBoundingClientRect(),
  }))
    .filter(({ box }) => (box.top - here.top) * way > here.height / 2);
  const distance = ({ box }: { readonly box: DOMRect }) =>
    Math.abs(box.top - here.top) * 10 + Math.abs(box.left - here.left);
  return boxes.toSorted((a, b) => distance(a) - distance(b)).at(0)?.cell;
}

function handleCloseupKey(event: KeyboardEvent): void {
  const { key } = event;
  const id = closeup.current.value?.id;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (id === undefined || !isPlain) return;
  if (key === "ArrowLeft") closeup.step(-1);
  else if (key === "ArrowRight") closeup.step(1);
  else if (!isLetter(event)) return;
  else if (key === "?") helpIsOpen.value = true;
  else if (key === " ") {
    // A button that has the focus is pressed by it.
    if (
      event.target instanceof HTMLButtonElement &&
      event.target.closest(".details")
    ) return;
    closeup.flip();
  } else if (key === "+" || key === "=") closeup.zoomBy(ZOOM);
  else if (key === "-") closeup.zoomBy(1 / ZOOM);
  else if (key === "0") closeup.fit();
  else if (key === "c") closeup.toggleCompare();
  else if (/^[1-4]$/.test(key)) showPlace(Number(key) - 1);
  else if (key === "r") {
    closeup.closeLook();
    void reusePicture(id);
  } else if (!act(key, id)) return;
  event.preventDefault();
}

function act(key: string, id: string): boolean {
  if (key === "r") void reusePicture(id);
  else if (key === "e") void useAsReference(id);
  else if (key === "d") void download(id);
  else if (key === "Delete" || key === "Backspace") remove(id);
  else return false;
  return true;
}

function showPlace(place: number): void {
  const look = closeup.group.value.at(place);
  if (look !== undefined) closeup.show(look.id);
}

/** Keys by themselves do something outside of fields only, and letters only where they are not switched off. */
function isLetter(
  { altKey, ctrlKey, key, metaKey, target }: KeyboardEvent,
): boolean {
  if (altKey || ctrlKey || metaKey) return false;
  if (!lettersAreOn.value && key.length === 1) return false;
  return !(target instanceof Element &&
    target.matches(
      "input:not([type=radio], [type=checkbox]), textarea, select, pre",
    ));
}

function pictureOf(target: EventTarget | null): string | undefined {
  return target instanceof Element
    ? target.closest<HTMLElement>("[data-picture]")?.dataset.picture
    : undefined;
}

/** The rows of the library: days, and below each its runs side by side, as many as fit. */
import type { StoredImage } from "./contract.ts";
import { dayOf } from "./format.ts";

/** The pictures of one run, or as many of them as fit into a row. */
export interface RunGroup {
  readonly run: string;
  readonly pictures: readonly StoredImage[];
  /** Whether the row above holds the beginning of the run. */
  readonly continued: boolean;
}

/** One row, and where it begins, in pixels. */
export type Row =
  & { readonly top: number; readonly key: string }
  & ({ readonly day: string } | { readonly groups: readonly RunGroup[] });

/** How large things are, in pixels. */
export interface RowSizes {
  readonly columns: number;
  readonly dayHeight: number;
  readonly rowHeight: number;
}

/** Puts pictures into rows; each run stands together, in the order of its candidates. */
export function rowsOf(
  images: readonly StoredImage[],
  { columns, dayHeight, rowHeight }: RowSizes,
): { readonly rows: readonly Row[]; readonly height: number } {
  const rows: Row[] = [];
  let height = 0;
  let groups: RunGroup[] = [];
  let free = columns;
  let day = 0;
  const endRow = () => {
    if (groups.length === 0) return;
    rows.push({ top: height, key: groups[0].pictures[0].id, groups });
    height += rowHeight;
    groups = [];
    free = columns;
  };
  for (const run of runsIn(images)) {
    const [first] = run;
    const date = new Date(first.created_at);
    const dayOfRun = date.getFullYear() * 400 + date.getMonth() * 31 +
      date.getDate();
    if (dayOfRun !== day) {
      endRow();
      day = dayOfRun;
      rows.push({ top: height, key: `day ${first.id}`, day: dayOf(date) });
      height += dayHeight;
    }
    if (run.length > free) endRow();
    for (let at = 0; at < run.length; at += columns) {
      const pictures = run.slice(at, at + columns);
      if (pictures.length > free) endRow();
      groups.push({ run: first.generation_id, pictures, continued: at > 0 });
      free -= pictures.length;
    }
  }
  endRow();
  return { rows, height };
}

/** Finds the rows of which some is seen between two heights. */
export function rowsBetween(
  rows: readonly Row[],
  top: number,
  bottom: number,
): readonly Row[] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].top <= top) low = middle + 1;
    else high = middle;
  }
  const start = Math.max(0, low - 1);
  let end = start;
  while (end < rows.length && rows[end].top < bottom) end++;
  return rows.slice(start, end);
}

/** Gives the pictures in the order in which the rows show them. */
export function picturesOf(rows: readonly Row[]): readonly StoredImage[] {
  return rows.flatMap((row) =>
    "groups" in row ? row.groups.flatMap(({ pictures }) => pictures) : []
  );
}

/** Tells which candidate of its run a picture is, from 0: the last part of its id, if there were several. */
export function candidateOf(id: string): number {
  return Number(/^codex-[0-9a-f-]{36}-([1-4])$/.exec(id)?.[1] ?? 1) - 1;
}

function runsIn(images: readonly StoredImage[]): StoredImage[][] {
  const runs = new Map<string, StoredImage[]>();
  for (const image of images) {
    const run = runs.get(image.generation_id);
    if (run === undefined) runs.set(image.generation_id, [image]);
    else run.push(image);
  }
  for (const run of runs.values()) {
    run.sort((one, other) => candidateOf(one.id) - candidateOf(other.id));
  }
  return [...runs.values()];
}

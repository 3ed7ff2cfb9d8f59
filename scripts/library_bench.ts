/**
 * Measures the library with few and with many images: `deno task bench-library [RUNS]`.
 *
 * It prints one table of medians. The images are made up, in a directory that is removed in the end.
 */
import { join } from "@std/path";
import { firstSortKey, toSearchQuery } from "../src/library/index.ts";
import type { Library } from "../src/library/library.ts";
import { newId, Shelf } from "../test/library/shelf.ts";
import { median, writeTable } from "./bench/table.ts";

const COUNTS = [50, 5_000, 50_000];
const USUAL_RUNS = 50;
const LIMIT = 20;
const FIRST_MADE = Date.UTC(2026, 0, 1);
/** A word in the prompt of every so many images. */
const RARE = { word: "heron", every: 25 };

/** Medians in milliseconds, but for the start. */
interface Figures {
  readonly readAll: number;
  readonly start: number;
  readonly firstPage: number;
  readonly middlePage: number;
  readonly ofJob: number;
  readonly search: number;
}

const runs = Number(Deno.args[0] ?? USUAL_RUNS);
const columns: Figures[] = [];
for (const count of COUNTS) columns.push(await measure(count));
const row = (name: string, key: keyof Figures) => ({
  name,
  values: columns.map((figures) => figures[key]),
  digits: 1,
});
console.log(writeTable(COUNTS.map((count) => `${count} images`), [
  row("first page, ms", "firstPage"),
  row("page in the middle, ms", "middlePage"),
  row("images of one job, ms", "ofJob"),
  row("search by a word, ms", "search"),
  row("start with the index there, ms", "start"),
  row("index made anew from the files, ms", "readAll"),
]));

async function measure(count: number): Promise<Figures> {
  await using shelf = await Shelf.open({ storePrompts: true });
  await fill(shelf, count);
  const begun = performance.now();
  await (await shelf.openLibrary({ storePrompts: true }))
    [Symbol.asyncDispose]();
  const readAll = performance.now() - begun;
  const restarted = performance.now();
  await using library = await shelf.openLibrary({ storePrompts: true });
  const start = performance.now() - restarted;
  const middle = firstSortKey(madeAt(Math.floor(count / 2)));
  return {
    readAll,
    start,
    firstPage: await timePage(library, {}),
    middlePage: await timePage(library, { before: middle }),
    ofJob: await timePage(library, { job: jobOf(count - 1) }),
    search: await timePage(library, { words: toSearchQuery(RARE.word) }),
  };
}

async function timePage(
  library: Library,
  query: Partial<Parameters<Library["list"]>[0]>,
): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const begun = performance.now();
    const { images } = await library.list({ limit: LIMIT, ...query });
    times.push(performance.now() - begun);
    if (images.length === 0) {
      throw new Error("Cannot measure: nothing is found");
    }
  }
  return median(times);
}

/** Stores one image, and the others as copies of its files under other names. */
async function fill(shelf: Shelf, count: number): Promise<void> {
  const { sidecar } = await shelf.save("x", describe(0));
  const path = join(shelf.outputDir, `${sidecar.id}.json`);
  const text = await Deno.readTextFile(path);
  for (let index = 1; index < count; index++) {
    const id = newId();
    const own = {
      ...JSON.parse(text),
      ...describe(index),
      id,
      file: `${id}.png`,
    };
    await Deno.writeTextFile(join(shelf.outputDir, own.file), "x");
    await Deno.writeTextFile(
      join(shelf.outputDir, `${id}.json`),
      JSON.stringify(own),
    );
  }
}

function describe(index: number) {
  const animal = index % RARE.every === 0 ? RARE.word : "fox";
  return {
    generation_id: jobOf(index),
    created_at: madeAt(index),
    prompt: `a ${animal} in the reeds, number ${index}`,
  };
}

function madeAt(index: number): string {
  return new Date(FIRST_MADE + 1_000 * index).toISOString();
}

function jobOf(index: number): string {
  return `gen_${Math.floor(index / 4)}`;
}

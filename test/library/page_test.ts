import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ImageIndex, type IndexQuery } from "../../src/library/index.ts";
import { readPage } from "../../src/library/page.ts";
import { idsOf, Shelf } from "./shelf.ts";

Deno.test("readPage() walks through all images, newest first", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const ids = await shelf.saveMany(5);
  assertEquals(await walk(shelf, index, 2), [
    [ids[4], ids[3]],
    [ids[2], ids[1]],
    [ids[0]],
  ]);
});

Deno.test("readPage() says that there is nothing more where a full page is the last", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const ids = await shelf.saveMany(4);
  assertEquals(await walk(shelf, index, 2), [
    [ids[3], ids[2]],
    [ids[1], ids[0]],
  ]);
});

Deno.test("readPage() of nothing is empty", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  assertEquals(await walk(shelf, index, 2), [[]]);
});

Deno.test("readPage() fills a page in spite of images that are gone, and tells of them", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const ids = await shelf.saveMany(7);
  for (const id of [ids[6], ids[5], ids[3], ids[0]]) {
    await Deno.remove(join(shelf.outputDir, `${id}.json`));
  }
  const gone: string[] = [];
  const { images, next } = await read(shelf, index, { limit: 2 }, gone);
  assertEquals(idsOf(images), [ids[4], ids[2]]);
  assertEquals(gone, [ids[6], ids[5], ids[3]]);
  const rest = await read(shelf, index, { limit: 2, before: next }, gone);
  assertEquals(idsOf(rest.images), [ids[1]]);
  assertEquals(rest.next, undefined);
  assertEquals(index.totals.images, 3);
});

Deno.test("readPage() goes on where it was in spite of new and removed images", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const ids = await shelf.saveMany(5);
  const { next } = await read(shelf, index, { limit: 2 });
  await shelf.saveMany(3);
  // The very image at which the first page ended, and the first of the next one.
  for (const id of [ids[3], ids[2]]) {
    await shelf.store.remove(id);
    index.remove(id);
  }
  const rest = await read(shelf, index, { limit: 9, before: next });
  assertEquals(idsOf(rest.images), [ids[1], ids[0]]);
});

function openIndex({ dataDir, store }: Shelf): ImageIndex {
  const index = new ImageIndex({
    path: join(dataDir, "index.sqlite"),
    storePrompts: false,
    onDamage: () => {},
  });
  store.onSaved(({ sidecar }) => index.add([sidecar]));
  return index;
}

function read(
  { store }: Shelf,
  index: ImageIndex,
  query: IndexQuery,
  gone: string[] = [],
) {
  const onGone = (id: string) => {
    gone.push(id);
    index.remove(id);
    return Promise.resolve();
  };
  return readPage(query, { index, store, onGone });
}

async function walk(
  shelf: Shelf,
  index: ImageIndex,
  limit: number,
): Promise<string[][]> {
  const pages: string[][] = [];
  let before: number | undefined;
  do {
    const { images, next } = await read(shelf, index, { limit, before });
    pages.push(idsOf(images));
    before = next;
  } while (before !== undefined);
  return pages;
}

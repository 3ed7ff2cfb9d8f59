import { assertEquals, assertExists } from "@std/assert";
import { join } from "@std/path";
import type { Library } from "../../src/library/library.ts";
import { newImage } from "../images/new_images.ts";
import { encode, picture } from "../images/samples.ts";
import { until } from "../support/until.ts";
import { filesIn, idsOf, newId, Shelf } from "./shelf.ts";

Deno.test("Library.list() has an image as soon as it is saved", async () => {
  await using shelf = await Shelf.open();
  await using library = await shelf.openLibrary();
  const ids = await shelf.saveMany(3);
  assertEquals(await list(library), ids.reverse());
});

Deno.test("Library.open() learns of all images in the background", async () => {
  await using shelf = await Shelf.open();
  const ids = await shelf.saveMany(3);
  await using library = await shelf.openLibrary();
  assertEquals(await list(library), ids.reverse());
  assertEquals(library.indexing, false);
  const [{ event, fields }] = shelf.log;
  assertEquals(event, "library.synchronized");
  assertEquals([fields.added, fields.removed, fields.images], [3, 0, 3]);
});

Deno.test("Library.open() learns what happened while the server was off", async () => {
  await using shelf = await Shelf.open();
  const [gone, kept] = await shelf.saveMany(2);
  await (await shelf.openLibrary())[Symbol.asyncDispose]();
  await shelf.store.remove(gone);
  const [copied] = await shelf.saveMany(1);
  await using library = await shelf.openLibrary();
  assertEquals(await list(library), [copied, kept]);
});

Deno.test("Library.indexing is true until all images are known", async () => {
  await using shelf = await Shelf.open();
  const [id] = await shelf.saveMany(1);
  await using library = await shelf.startLibrary();
  assertEquals([library.indexing, await list(library)], [true, []]);
  await library.reconcile();
  assertEquals([library.indexing, await list(library)], [false, [id]]);
});

Deno.test("Library.list() notices images that a person copies into the folder", async () => {
  await using shelf = await Shelf.open();
  await using other = await Shelf.open();
  await using library = await shelf.openLibrary();
  const [id] = await other.saveMany(1);
  for (const name of [`${id}.json`, `${id}.png`]) {
    await Deno.copyFile(
      join(other.outputDir, name),
      join(shelf.outputDir, name),
    );
  }
  await until(async () => (await list(library)).includes(id));
});

Deno.test("Library.list() never has an image that a person deleted", async () => {
  await using shelf = await Shelf.open();
  await using library = await shelf.openLibrary();
  const [a, b, c, d] = await shelf.saveMany(4);
  await Deno.remove(join(shelf.outputDir, `${a}.json`));
  await Deno.remove(join(shelf.outputDir, `${c}.png`));
  assertEquals(await list(library), [d, b]);
});

Deno.test("Library.remove() removes an image everywhere, once", async () => {
  await using shelf = await Shelf.open();
  await using library = await shelf.openLibrary();
  const bytes = await encode(picture().png());
  const image = await shelf.store.save({
    ...newImage("", { id: newId() }),
    bytes,
  });
  (await library.thumbnails.openFile(image))?.file.close();
  const { id } = image.sidecar;
  assertEquals(await library.remove(id), true);
  assertEquals(await library.remove(id), false);
  assertEquals(await list(library), []);
  assertEquals(filesIn(shelf.outputDir), []);
  assertEquals(filesIn(join(shelf.dataDir, "thumbnails")), []);
});

Deno.test("Library.remove() knows no image but those of the store", async () => {
  await using shelf = await Shelf.open();
  await using library = await shelf.openLibrary();
  await Deno.writeTextFile(join(shelf.outputDir, "notes.json"), "{}");
  for (const id of [newId(), "notes", "../data/library", ""]) {
    assertEquals(await library.remove(id), false, id);
  }
  assertEquals(filesIn(shelf.outputDir), ["notes.json"]);
});

Deno.test("Library removes the thumbnails of images that went while the server was off", async () => {
  await using shelf = await Shelf.open();
  const [id] = await shelf.saveMany(1);
  await (await shelf.openLibrary())[Symbol.asyncDispose]();
  const thumbnails = join(shelf.dataDir, "thumbnails");
  const gone = newId();
  for (const name of [id, gone]) {
    await Deno.writeTextFile(join(thumbnails, `${name}.webp`), "x");
  }
  await using _library = await shelf.openLibrary();
  assertEquals(filesIn(thumbnails), [`${id}.webp`]);
});

Deno.test("Library removes images that exceed a limit at the start, and says so", async () => {
  await using shelf = await Shelf.open();
  const ids = await shelf.saveMany(3);
  await using library = await shelf.openLibrary({ retentionMaxCount: 1 });
  assertEquals(await list(library), [ids[2]]);
  assertEquals(filesIn(shelf.outputDir), [`${ids[2]}.json`, `${ids[2]}.png`]);
  const logged = shelf.log.find(({ event }) => event === "library.retention");
  assertEquals(logged?.fields, {
    images: 2,
    bytes: 2,
    images_left: 1,
    bytes_left: 1,
  });
});

Deno.test("Library removes images that exceed a limit after an image was saved", async () => {
  await using shelf = await Shelf.open();
  await using library = await shelf.openLibrary({ retentionMaxCount: 2 });
  const ids = await shelf.saveMany(5);
  await until(async () => (await shelf.store.ids()).size === 2);
  assertEquals(await list(library), [ids[4], ids[3]]);
});

Deno.test("Library keeps everything without limits, and is silent about it", async () => {
  await using shelf = await Shelf.open();
  await shelf.save("x", { created_at: "1999-01-01T00:00:00Z" });
  await using library = await shelf.openLibrary();
  await library.reconcile();
  assertEquals((await list(library)).length, 1);
  assertEquals(shelf.log.map(({ event }) => event), ["library.synchronized"]);
});

Deno.test("Library heals a damaged index without a restart", async () => {
  await using shelf = await Shelf.open();
  const ids = await shelf.saveMany(10);
  await (await shelf.openLibrary())[Symbol.asyncDispose]();
  const path = join(shelf.dataDir, "library.sqlite");
  const file = await Deno.readFile(path);
  file.fill(0xff, 4_096);
  await Deno.writeFile(path, file);
  await using library = await shelf.openLibrary();
  assertEquals(await list(library), ids.reverse());
  const events = shelf.log.map(({ event }) => event);
  assertEquals(events.includes("library.index_damaged"), true);
});

Deno.test("Library keeps an image of which the index cannot be written", async () => {
  await using shelf = await Shelf.open();
  const library = await shelf.openLibrary();
  await library[Symbol.asyncDispose]();
  const { sidecar } = await shelf.save("x");
  assertExists(await shelf.store.find(sidecar.id));
  assertEquals(shelf.log.at(-1)?.event, "library.upkeep_failed");
});

Deno.test("Library keeps its index while the folder is away, and lists all when it is back", async () => {
  await using shelf = await Shelf.open();
  const ids = await shelf.saveMany(3);
  await using library = await shelf.openLibrary();
  const away = `${shelf.outputDir}.away`;
  await Deno.rename(shelf.outputDir, away);
  await Deno.mkdir(shelf.outputDir);
  assertEquals(await list(library), []);
  await library.reconcile();
  assertEquals(await library.remove(ids[0]), false);
  assertEquals(library.totals.images, 3);
  await until(() => library.indexing);
  await Deno.remove(shelf.outputDir);
  await Deno.rename(away, shelf.outputDir);
  await until(() => !library.indexing);
  assertEquals(await list(library), ids.toReversed());
  const events = shelf.log.map(({ event }) => event);
  assertEquals(events.slice(1), ["library.folder_away", "library.folder_back"]);
});

Deno.test("Library lists every image once, whichever way the clock was set between them", async () => {
  await using shelf = await Shelf.open();
  const times = ["2026-05-01", "2038-01-19", "1970-01-01", "2026-05-01"];
  await using library = await shelf.openLibrary();
  const ids: string[] = [];
  for (const day of times) {
    const created_at = `${day}T00:00:00.000Z`;
    ids.push((await shelf.save("x", { created_at })).sidecar.id);
  }
  const expected = [ids[1], ids[3], ids[0], ids[2]];
  assertEquals(await list(library), expected);
  const first = await library.list({ limit: 2 });
  const rest = await library.list({ limit: 2, before: first.next });
  assertEquals(idsOf([...first.images, ...rest.images]), expected);
});

async function list(library: Library): Promise<string[]> {
  return idsOf((await library.list({ limit: 1_000 })).images);
}

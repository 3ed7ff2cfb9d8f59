import { assertEquals, assertExists } from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import type { OpenedFile } from "../../src/images/regular_file.ts";
import type { StoredImage } from "../../src/images/store.ts";
import { withImageSlot } from "../../src/images/pixels.ts";
import { Thumbnails } from "../../src/library/thumbnails.ts";
import { newImage } from "../images/new_images.ts";
import { encode, picture, type SampleOptions } from "../images/samples.ts";
import { until } from "../support/until.ts";
import { filesIn, newId, Shelf } from "./shelf.ts";

const SHAPES = [
  { width: 1024, height: 512, shown: "512x256" },
  { width: 300, height: 1200, shown: "128x512" },
  { width: 40, height: 20, shown: "40x20" },
];

for (const { width, height, shown } of SHAPES) {
  Deno.test(`Thumbnails.openFile() makes a WebP of ${shown} out of ${width}x${height}`, async () => {
    await using shelf = await Shelf.open();
    const thumbnails = await openThumbnails(shelf);
    const image = await savePicture(shelf, { width, height });
    const bytes = await read(await thumbnails.openFile(image));
    const made = await sharp(bytes).metadata();
    assertEquals(made.format, "webp");
    assertEquals(`${made.width}x${made.height}`, shown);
  });
}

Deno.test("Thumbnails.openFile() keeps what can be seen through", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf, { alpha: 0.5 });
  const bytes = await read(await thumbnails.openFile(image));
  assertEquals((await sharp(bytes).metadata()).hasAlpha, true);
});

Deno.test("Thumbnails.openFile() makes one for all who ask at the same time", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf);
  const opened = await Promise.all(
    Array.from({ length: 5 }, () => thumbnails.openFile(image)),
  );
  const inodes = new Set(opened.map((one) => one?.info.ino));
  for (const one of opened) one?.file.close();
  assertEquals(inodes.size, 1);
  assertEquals(filesIn(directoryOf(shelf)), [`${image.sidecar.id}.webp`]);
});

Deno.test("Thumbnails.openFile() makes a thumbnail once, also after a restart", async () => {
  await using shelf = await Shelf.open();
  const image = await savePicture(shelf);
  const first = await (await openThumbnails(shelf)).openFile(image);
  const second = await (await openThumbnails(shelf)).openFile(image);
  first?.file.close();
  second?.file.close();
  assertExists(first);
  assertEquals(second?.info, first.info);
});

Deno.test("Thumbnails.openFile() writes nothing beside the images", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf);
  const before = filesIn(shelf.outputDir);
  (await thumbnails.openFile(image))?.file.close();
  assertEquals(filesIn(shelf.outputDir), before);
});

Deno.test("Thumbnails.openFile() has none of an image that is gone", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf);
  await shelf.store.remove(image.sidecar.id);
  assertEquals(await thumbnails.openFile(image), undefined);
});

Deno.test("Thumbnails.openFile() has none of what is no picture, and tells of it once", async () => {
  await using shelf = await Shelf.open();
  const unusable: string[] = [];
  const thumbnails = await openThumbnails(shelf, (id) => unusable.push(id));
  const image = await shelf.save("no picture");
  for (let i = 0; i < 2; i++) {
    assertEquals(await thumbnails.openFile(image), undefined);
  }
  assertEquals(unusable, [image.sidecar.id]);
  assertEquals(filesIn(directoryOf(shelf)), []);
});

Deno.test("Thumbnails.remove() removes a thumbnail, also one that is being made", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf, { width: 1024, height: 1024 });
  const opening = thumbnails.openFile(image);
  await shelf.store.remove(image.sidecar.id);
  await thumbnails.remove(image.sidecar.id);
  (await opening)?.file.close();
  assertEquals(filesIn(directoryOf(shelf)), []);
  await thumbnails.remove(image.sidecar.id);
});

Deno.test("Thumbnails.keepOnly() removes the others and half-written files", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const [kept, gone] = [newId(), newId()];
  const names = [`${kept}.webp`, `${gone}.webp`, `${kept}.webp.1.tmp`];
  for (const name of names) {
    await Deno.writeTextFile(join(directoryOf(shelf), name), name);
  }
  await thumbnails.keepOnly((id) => id === kept);
  assertEquals(filesIn(directoryOf(shelf)), [`${kept}.webp`]);
});

Deno.test("Thumbnails.keepOnly() leaves the files of a thumbnail that is being made", async () => {
  await using shelf = await Shelf.open();
  const thumbnails = await openThumbnails(shelf);
  const image = await savePicture(shelf);
  const { promise, resolve } = Promise.withResolvers<void>();
  const others = [withImageSlot(() => promise), withImageSlot(() => promise)];
  const opening = thumbnails.openFile(image);
  const file = join(directoryOf(shelf), `${image.sidecar.id}.webp.1.tmp`);
  await until(async () => {
    await Deno.writeTextFile(file, "half");
    await thumbnails.keepOnly(() => false);
    return filesIn(directoryOf(shelf)).length > 0;
  });
  resolve();
  await Promise.all(others);
  (await opening)?.file.close();
  assertEquals(filesIn(directoryOf(shelf)).length, 2);
});

function directoryOf(shelf: Shelf): string {
  return join(shelf.dataDir, "thumbnails");
}

function openThumbnails(
  shelf: Shelf,
  onUnusable: (id: string) => void = () => {},
): Promise<Thumbnails> {
  const { store } = shelf;
  return Thumbnails.open({ directory: directoryOf(shelf), onUnusable, store });
}

async function savePicture(
  { store }: Shelf,
  options?: SampleOptions,
): Promise<StoredImage> {
  const image = newImage("", { id: newId() });
  return store.save({ ...image, bytes: await encode(picture(options).png()) });
}

async function read(opened: OpenedFile | undefined): Promise<Uint8Array> {
  assertExists(opened);
  return await new Response(opened.file.readable).bytes();
}

import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import sharp from "sharp";
import { ImageError, inspectImage } from "../../src/images/inspect.ts";
import {
  BLOCK_BYTES,
  bytesSource,
  fileSource,
} from "../../src/images/source.ts";
import { type Bytes, concat, encode, picture } from "./samples.ts";

const OTHER_KINDS: readonly (readonly [string, Bytes | string])[] = [
  ["HTML", "<!DOCTYPE html><html></html>"],
  ["HTML", "\n  <html lang='en'>"],
  ["HTML", "\xef\xbb\xbf<!doctype HTML>"],
  ["SVG", "<svg xmlns='http://www.w3.org/2000/svg'/>"],
  ["SVG", "<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>"],
  ["XML", "<?xml version='1.0'?><Error/>"],
  ["JSON", '{"error":{"message":"no"}}'],
  ["JSON", " [1]"],
  ["a zip archive", "PK\x03\x04\x14\x00"],
  ["PDF", "%PDF-1.7\n"],
  ["a Photoshop document", "8BPS\x00\x01"],
  ["TIFF", "II*\x00\x08\x00"],
  ["TIFF", "MM\x00*\x00\x08"],
  ["HEIC", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"],
  ["HEIC", "\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00"],
  ["AVIF", "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00"],
  ["AVIF", await encode(picture().avif({ effort: 0 }))],
  ["GIF", await encode(picture().gif())],
  ["TIFF", await encode(picture().tiff())],
];

for (const [kind, content] of OTHER_KINDS) {
  const name = JSON.stringify(
    String.fromCharCode(...concat(content))
      .slice(0, 24),
  );
  Deno.test(`inspectImage() names ${kind} that begins ${name}`, async () => {
    await assertRefused(
      concat(content),
      `is not a PNG, JPEG or WebP file (it begins like ${kind})`,
    );
  });
}

Deno.test("inspectImage() names an empty file", async () => {
  await assertRefused(new Uint8Array(0), "is empty");
});

Deno.test("inspectImage() guesses no kind for what it does not know", async () => {
  for (const text of ["hello", "PKZIP", "RIFF\x04\x00\x00\x00WAVE", "BM\x00"]) {
    await assertRefused(concat(text), "is not a PNG, JPEG or WebP file");
  }
});

Deno.test("inspectImage() believes the bytes of each format", async () => {
  const kinds = [
    ["png", "image/png", await encode(picture().png())],
    ["jpeg", "image/jpeg", await encode(picture().jpeg())],
    ["webp", "image/webp", await encode(picture().webp())],
  ] as const;
  for (const [format, mimeType, bytes] of kinds) {
    assertEquals(await inspectImage(bytesSource(bytes)), {
      format,
      mimeType,
      width: 24,
      height: 16,
      alpha: false,
      animated: false,
    });
  }
});

Deno.test("inspectImage() gives the stored size of a rotated photo", async () => {
  const bytes = await encode(picture().withMetadata({ orientation: 6 }).jpeg());
  const { width, height } = await inspectImage(bytesSource(bytes));
  assertEquals([width, height], [24, 16]);
  assertEquals((await sharp(bytes).metadata()).orientation, 6);
});

Deno.test("inspectImage() allows as many pixels as the limit and no more", async () => {
  for (const format of ["png", "jpeg", "webp"] as const) {
    const bytes = await encode(picture().toFormat(format));
    const source = bytesSource(bytes);
    assertEquals((await inspectImage(source, { maxPixels: 384 })).width, 24);
    await assertRejects(
      () => inspectImage(source, { maxPixels: 383 }),
      ImageError,
      "declares 24x16 pixels, more than the 383 allowed",
    );
  }
});

Deno.test("inspectImage() reads large files of each format from disk", async () => {
  const image = picture({ width: 500, height: 400 });
  const files = [
    await encode(image.clone().png({ compressionLevel: 1 })),
    await encode(image.clone().jpeg({ quality: 100 })),
    await encode(image.clone().webp({ lossless: true, effort: 0 })),
  ];
  for (const bytes of files) {
    assertGreater(bytes.length, BLOCK_BYTES);
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, bytes);
    using file = await Deno.open(path);
    await Deno.remove(path);
    const info = await inspectImage(fileSource(file, bytes.length));
    assertEquals([info.width, info.height], [500, 400]);
    await assertRejects(
      () => inspectImage(fileSource(file, bytes.length - 1)),
      ImageError,
      "is truncated",
    );
  }
});

async function assertRefused(bytes: Bytes, message: string): Promise<void> {
  const error = await assertRejects(
    () => inspectImage(bytesSource(bytes)),
    ImageError,
  );
  assertEquals(error.message, message);
}

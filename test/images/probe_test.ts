import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { join } from "@std/path";
import { ImageError } from "../../src/images/format.ts";
import { probeUnfinished } from "../../src/images/probe.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
  probe,
} from "./samples.ts";

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
  Deno.test(`probeImage() names ${kind} that begins ${name}`, async () => {
    await assertRefused(
      concat(content),
      `is not a PNG, JPEG or WebP file (it begins like ${kind})`,
    );
  });
}

Deno.test("probeImage() names an empty file", async () => {
  await assertRefused(new Uint8Array(0), "is empty");
});

Deno.test("probeImage() guesses no kind for what it does not know", async () => {
  for (const text of ["hello", "PKZIP", "RIFF\x04\x00\x00\x00WAVE", "BM\x00"]) {
    await assertRefused(concat(text), "is not a PNG, JPEG or WebP file");
  }
});

Deno.test("probeImage() believes the bytes of each format", async () => {
  const kinds = [
    ["png", "image/png", await encode(picture().png())],
    ["jpeg", "image/jpeg", await encode(picture().jpeg())],
    ["webp", "image/webp", await encode(picture().webp())],
  ] as const;
  for (const [format, mimeType, bytes] of kinds) {
    assertEquals(await probe(bytes), {
      format,
      mimeType,
      width: 24,
      height: 16,
      alpha: false,
    });
  }
});

Deno.test("probeImage() gives the size of a rotated photo as it is shown", async () => {
  const bytes = await encode(picture().withMetadata({ orientation: 6 }).jpeg());
  const { width, height } = await probe(bytes);
  assertEquals([width, height], [16, 24]);
});

Deno.test("probeImage() allows as many pixels as the limit and no more", async () => {
  for (const format of ["png", "jpeg", "webp"] as const) {
    const bytes = await encode(picture().toFormat(format));
    assertEquals((await probe(bytes, { maxPixels: 384 })).width, 24);
    await assertRejects(
      () => probe(bytes, { maxPixels: 383 }),
      ImageError,
      "declares 24x16 pixels, more than the 383 allowed",
    );
  }
});

Deno.test("probeImage() reads files of many blocks", async () => {
  const image = picture({ width: 500, height: 400 });
  const files = [
    await encode(image.clone().png({ compressionLevel: 1 })),
    await encode(image.clone().jpeg({ quality: 100 })),
    await encode(image.clone().webp({ lossless: true, effort: 0 })),
  ];
  for (const bytes of files) {
    assertGreater(bytes.length, 4 * 65_536);
    const { width, height } = await probe(bytes);
    assertEquals([width, height], [500, 400]);
    await assertRejects(
      () => probe(bytes.slice(0, -1)),
      ImageError,
      "is truncated",
    );
  }
});

async function assertRefused(bytes: Bytes, message: string): Promise<void> {
  const error = await assertRejects(
    () => probe(bytes),
    ImageError,
  );
  assertEquals(error.message, message);
}

/** A file that can be written again and again. */
async function openScrap(): Promise<
  AsyncDisposable & {
    readonly path: string;
    /** Says what is wrong with a file of these bytes. */
    check(bytes: Bytes): Promise<string | undefined>;
  }
> {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const path = join(directory, "scrap.png");
  return {
    path,
    check: async (bytes) => {
      await Deno.writeFile(path, bytes);
      return await probeUnfinished(path);
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test("probeUnfinished() objects at every byte of a write but the last", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let length = 0; length < bytes.length; length++) {
    assertMatch(`${await scrap.check(bytes.slice(0, length))}`, /^is /);
  }
  assertEquals(await scrap.check(bytes), undefined);
});

Deno.test("probeUnfinished() is not taken in by a picture within the picture", async () => {
  await using scrap = await openScrap();
  const inner = await encode(picture({ width: 3, height: 3 }).png());
  const bytes = concat(
    PNG_SIGNATURE,
    pngHeader(2, 2),
    pngChunk("caBX", inner),
    pngChunk("IDAT", [1, 2, 3]),
    pngChunk("IEND"),
  );
  const innerEnd = PNG_SIGNATURE.length + 25 + 8 + inner.length;
  assertEquals(bytes.slice(innerEnd - 8, innerEnd - 4), concat("IEND"));
  assertMatch(`${await scrap.check(bytes.slice(0, innerEnd))}`, /truncated/);
  assertEquals(await scrap.check(bytes), undefined);
});

Deno.test("probeUnfinished() objects while the place of the file is taken and not filled", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  const endFirst = new Uint8Array(bytes.length);
  endFirst.set(bytes.subarray(-20), bytes.length - 20);
  assertEquals(typeof await scrap.check(endFirst), "string");
  endFirst.set(bytes.subarray(0, -60));
  assertEquals(typeof await scrap.check(endFirst), "string");
});

Deno.test("probeUnfinished() objects to another kind of file with the end of a PNG", async () => {
  await using scrap = await openScrap();
  const bytes = concat("<html>", pngChunk("IEND"));
  assertEquals(typeof await scrap.check(bytes), "string");
});

Deno.test("probeUnfinished() follows a file that grows in place", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 400, height: 300 }).png());
  using writer = await Deno.open(scrap.path, { write: true, create: true });
  const answers = [];
  for (let at = 0; at < bytes.length; at += 65_536) {
    await writeAll(writer, bytes.subarray(at, at + 65_536));
    answers.push(await probeUnfinished(scrap.path));
  }
  assertEquals(answers.length > 4, true);
  assertEquals(answers.pop(), undefined);
  assertEquals(answers.includes(undefined), false);
});

Deno.test("probeUnfinished() tells of a file that is gone", async () => {
  await assertRejects(() => probeUnfinished("/nowhere"), Deno.errors.NotFound);
});

async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}

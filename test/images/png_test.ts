import { assertEquals, assertRejects } from "@std/assert";
import { ImageError, inspectImage } from "../../src/images/inspect.ts";
import { bytesSource } from "../../src/images/source.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
  uint32,
} from "./samples.ts";

const DATA = pngChunk("IDAT", [1, 2, 3]);
const END = pngChunk("IEND");

Deno.test("inspectImage() takes a PNG of one pixel", async () => {
  const bytes = await encode(picture({ width: 1, height: 1 }).png());
  const { width, height } = await inspectImage(bytesSource(bytes));
  assertEquals([width, height], [1, 1]);
});

Deno.test("inspectImage() finds the alpha channel of a PNG", async () => {
  const bytes = await encode(picture({ alpha: 0.5 }).png());
  assertEquals((await inspectImage(bytesSource(bytes))).alpha, true);
});

Deno.test("inspectImage() finds the transparent colour of a PNG without alpha channel", async () => {
  const info = await inspect(
    pngHeader(2, 2),
    pngChunk("tRNS", [0, 1, 0, 2, 0, 3]),
    DATA,
    END,
  );
  assertEquals(info.alpha, true);
});

Deno.test("inspectImage() finds that a PNG is animated", async () => {
  const control = pngChunk("acTL", [...uint32(2), ...uint32(0)]);
  assertEquals(
    (await inspect(pngHeader(2, 2), control, DATA, END)).animated,
    true,
  );
});

Deno.test("inspectImage() takes a PNG with a palette", async () => {
  const bytes = await encode(picture().png({ palette: true }));
  assertEquals((await inspectImage(bytesSource(bytes))).width, 24);
});

Deno.test("inspectImage() tolerates bytes after IEND", async () => {
  assertEquals(
    (await inspect(pngHeader(2, 3), DATA, END, concat("more"))).height,
    3,
  );
});

Deno.test("inspectImage() refuses a PNG that ends at any earlier byte", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let length = 0; length < bytes.length; length++) {
    await assertRejects(
      () => inspectImage(bytesSource(bytes.slice(0, length))),
      ImageError,
      length < 8 ? "is " : "is truncated",
      `${length} of ${bytes.length} bytes`,
    );
  }
});

Deno.test("inspectImage() refuses a PNG with any one byte changed behind the signature", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let index = 8; index < bytes.length; index++) {
    const damaged = bytes.slice();
    damaged[index] ^= 0x01;
    await assertRejects(
      () => inspectImage(bytesSource(damaged)),
      ImageError,
      undefined,
      `byte ${index}`,
    );
  }
});

Deno.test("inspectImage() names the PNG chunk with a wrong checksum", async () => {
  const damaged = DATA.slice();
  damaged[9] ^= 0xff;
  await assertRefused(
    [pngHeader(2, 2), damaged, END],
    "has a damaged IDAT chunk at byte 33: the checksum is wrong",
  );
});

Deno.test("inspectImage() refuses a PNG without IEND", async () => {
  await assertRefused(
    [pngHeader(2, 2), DATA],
    "is truncated: the IEND chunk is missing",
  );
});

Deno.test("inspectImage() refuses a PNG without image data", async () => {
  const message = "has no picture: the IDAT chunk is missing";
  await assertRefused([pngHeader(2, 2), END], message);
  await assertRefused([pngHeader(2, 2), pngChunk("IDAT"), END], message);
  await assertRefused([END], "has no IHDR chunk at its beginning");
});

Deno.test("inspectImage() refuses a PNG whose header is not the first chunk", async () => {
  const message = "has no IHDR chunk at its beginning";
  await assertRefused([DATA, pngHeader(2, 2), END], message);
  await assertRefused([pngChunk("CgBI", [0]), pngHeader(2, 2), END], message);
  await assertRefused([pngChunk("IHDR", [0, 0]), DATA, END], message);
});

Deno.test("inspectImage() refuses a PNG with a second header", async () => {
  await assertRefused(
    [pngHeader(2, 2), pngHeader(9, 9), DATA, END],
    "has a misplaced or unknown IHDR chunk",
  );
});

Deno.test("inspectImage() refuses a PNG chunk that a decoder must know and does not", async () => {
  await assertRefused(
    [pngHeader(2, 2), pngChunk("ABCD"), DATA, END],
    "has a misplaced or unknown ABCD chunk",
  );
  assertEquals(
    (await inspect(pngHeader(2, 2), pngChunk("caBX", [1]), DATA, END)).width,
    2,
  );
});

Deno.test("inspectImage() refuses a PNG that needs a palette and has none before its data", async () => {
  const header = pngHeader(2, 2, [8, 3, 0, 0, 0]);
  const palette = pngChunk("PLTE", [0, 0, 0]);
  await assertRefused(
    [header, DATA, palette, END],
    "has no PLTE chunk before its IDAT chunk",
  );
  assertEquals((await inspect(header, palette, DATA, END)).width, 2);
});

Deno.test("inspectImage() refuses what a PNG header may not say", async () => {
  const cases: [Bytes, string][] = [
    [pngHeader(0, 2), "declares 0x2 pixels, which is no image"],
    [pngHeader(2, 0), "declares 2x0 pixels, which is no image"],
    [pngHeader(2, 2, [4, 2, 0, 0, 0]), "has colour type 2 with bit depth 4"],
    [pngHeader(2, 2, [16, 3, 0, 0, 0]), "has colour type 3 with bit depth 16"],
    [pngHeader(2, 2, [8, 1, 0, 0, 0]), "has colour type 1 with bit depth 8"],
    [pngHeader(2, 2, [8, 2, 1, 0, 0]), "has an unknown compression"],
    [pngHeader(2, 2, [8, 2, 0, 1, 0]), "has an unknown compression or filter"],
    [pngHeader(2, 2, [8, 2, 0, 0, 2]), "has an unknown interlace method"],
  ];
  for (const [header, message] of cases) {
    await assertRefused([header, DATA, END], message);
  }
});

Deno.test("inspectImage() refuses a PNG bomb by its header alone", async () => {
  await assertRefused(
    [pngHeader(30_000, 30_000)],
    "declares 30000x30000 pixels, more than the 100000000 allowed",
  );
  await assertRefused(
    [pngHeader(0xffff_ffff, 0xffff_ffff)],
    "declares 4294967295x4294967295 pixels",
  );
});

Deno.test("inspectImage() refuses a PNG chunk of an impossible kind or length", async () => {
  const message = "has a damaged chunk at byte 33";
  await assertRefused([pngHeader(2, 2), pngChunk("ID T"), END], message);
  await assertRefused(
    [pngHeader(2, 2), concat(uint32(0xffff_ffff), "IDAT"), END],
    message,
  );
});

Deno.test("inspectImage() refuses a PNG whose IEND holds data", async () => {
  await assertRefused(
    [pngHeader(2, 2), DATA, pngChunk("IEND", [1])],
    "has a damaged IEND chunk",
  );
});

Deno.test("inspectImage() refuses a PNG of endless empty chunks", async () => {
  const chunk = pngChunk("tEXt");
  const many = new Uint8Array(chunk.length * 100_000);
  for (let at = 0; at < many.length; at += chunk.length) many.set(chunk, at);
  await assertRefused(
    [pngHeader(2, 2), many, DATA, END],
    "has more than 100000 chunks",
  );
});

function inspect(...chunks: Bytes[]) {
  return inspectImage(bytesSource(concat(PNG_SIGNATURE, ...chunks)));
}

async function assertRefused(chunks: Bytes[], message: string): Promise<void> {
  await assertRejects(() => inspect(...chunks), ImageError, message);
}

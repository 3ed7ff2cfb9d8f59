import { assertEquals, assertRejects } from "@std/assert";
import { ImageError } from "../../src/images/format.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
  probe,
  uint32,
} from "./samples.ts";

const DATA = pngChunk("IDAT", [1, 2, 3]);
const END = pngChunk("IEND");

Deno.test("probeImage() takes a PNG of one pixel", async () => {
  const bytes = await encode(picture({ width: 1, height: 1 }).png());
  const { width, height } = await probe(bytes);
  assertEquals([width, height], [1, 1]);
});

Deno.test("probeImage() finds the alpha channel of a PNG", async () => {
  const bytes = await encode(picture({ alpha: 0.5 }).png());
  assertEquals((await probe(bytes)).alpha, true);
});

Deno.test("probeImage() finds the transparent colour of a PNG without alpha channel", async () => {
  const info = await inspect(
    pngHeader(2, 2),
    pngChunk("tRNS", [0, 1, 0, 2, 0, 3]),
    DATA,
    END,
  );
  assertEquals(info.alpha, true);
});

Deno.test("probeImage() takes a PNG with a palette", async () => {
  const bytes = await encode(picture().png({ palette: true }));
  assertEquals((await probe(bytes)).width, 24);
});

Deno.test("probeImage() tolerates bytes after IEND", async () => {
  assertEquals(
    (await inspect(pngHeader(2, 3), DATA, END, concat("more"))).height,
    3,
  );
});

Deno.test("probeImage() refuses a PNG that ends at any earlier byte", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let length = 0; length < bytes.length; length++) {
    await assertRejects(
      () => probe(bytes.slice(0, length)),
      ImageError,
      length < 8 ? "is " : "is truncated",
      `${length} of ${bytes.length} bytes`,
    );
  }
});

Deno.test("probeImage() refuses a PNG with any one byte changed behind the signature", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let index = 8; index < bytes.length; index++) {
    const damaged = bytes.slice();
    damaged[index] ^= 0x01;
    await assertRejects(
      () => probe(damaged),
      ImageError,
      undefined,
      `byte ${index}`,
    );
  }
});

Deno.test("probeImage() names the PNG chunk with a wrong checksum", async () => {
  const damaged = DATA.slice();
  damaged[9] ^= 0xff;
  await assertRefused(
    [pngHeader(2, 2), damaged, END],
    "has a damaged IDAT chunk at byte 33: the checksum is wrong",
  );
});

Deno.test("probeImage() refuses a PNG without IEND", async () => {
  await assertRefused(
    [pngHeader(2, 2), DATA],
    "is truncated: the IEND chunk is missing",
  );
});

Deno.test("probeImage() refuses a PNG without image data", async () => {
  const message = "has no picture: the IDAT chunk is missing";
  await assertRefused([pngHeader(2, 2), END], message);
  await assertRefused([pngHeader(2, 2), pngChunk("IDAT"), END], message);
  await assertRefused([END], "has no IHDR chunk at its beginning");
});

Deno.test("probeImage() refuses a PNG chunk of an impossible kind or length", async () => {
  const message = "has a damaged chunk at byte 33";
  await assertRefused([pngHeader(2, 2), pngChunk("ID T"), END], message);
  await assertRefused(
    [pngHeader(2, 2), concat(uint32(0xffff_ffff), "IDAT"), END],
    message,
  );
});

Deno.test("probeImage() refuses a PNG whose IEND holds data", async () => {
  await assertRefused(
    [pngHeader(2, 2), DATA, pngChunk("IEND", [1])],
    "has a damaged IEND chunk",
  );
});

Deno.test("probeImage() refuses an animated PNG by the chunk that says so", async () => {
  await assertRefused(
    [pngHeader(2, 2), pngChunk("acTL", [...uint32(2), ...uint32(0)])],
    "is an animation, and not one still picture",
  );
});

Deno.test("probeImage() refuses a PNG whose header is not the first chunk", async () => {
  const message = "has no IHDR chunk at its beginning";
  await assertRefused([DATA, pngHeader(2, 2), END], message);
  await assertRefused([pngChunk("CgBI", [0]), pngHeader(2, 2), END], message);
});

Deno.test("probeImage() takes a PNG with chunks that a decoder need not know", async () => {
  const unknown = pngChunk("caBX", [1]);
  assertEquals((await inspect(pngHeader(2, 2), unknown, DATA, END)).width, 2);
});

const PALETTE_HEADER = pngHeader(2, 2, [8, 3, 0, 0, 0]);
const UNREADABLE: Readonly<Record<string, Bytes[]>> = {
  "a short header": [pngChunk("IHDR", [0, 0]), DATA],
  "a second header": [pngHeader(2, 2), pngHeader(9, 9), DATA],
  "an unknown critical chunk": [pngHeader(2, 2), pngChunk("ABCD"), DATA],
  "no palette": [PALETTE_HEADER, DATA],
  "a palette behind its data": [
    PALETTE_HEADER,
    DATA,
    pngChunk("PLTE", [0, 0, 0]),
  ],
  "no columns": [pngHeader(0, 2), DATA],
  "no rows": [pngHeader(2, 0), DATA],
  "more columns than a PNG can have": [pngHeader(0xffff_ffff, 1), DATA],
  "4 bits for each of three colours": [pngHeader(2, 2, [4, 2, 0, 0, 0]), DATA],
  "16 bits for a palette": [pngHeader(2, 2, [16, 3, 0, 0, 0]), DATA],
  "an unknown colour type": [pngHeader(2, 2, [8, 1, 0, 0, 0]), DATA],
  "an unknown compression": [pngHeader(2, 2, [8, 2, 1, 0, 0]), DATA],
  "an unknown filter": [pngHeader(2, 2, [8, 2, 0, 1, 0]), DATA],
  "an unknown interlace method": [pngHeader(2, 2, [8, 2, 0, 0, 2]), DATA],
};
for (const [what, chunks] of Object.entries(UNREADABLE)) {
  Deno.test(`probeImage() refuses a PNG with ${what}`, async () => {
    await assertRefused([...chunks, END], "cannot be decoded");
  });
}

Deno.test("probeImage() refuses a PNG bomb by its header", async () => {
  await assertRefused(
    [pngHeader(30_000, 30_000), DATA, END],
    "declares 30000x30000 pixels, more than the 100000000 allowed",
  );
});

Deno.test("probeImage() refuses a PNG of endless empty chunks", async () => {
  const chunk = pngChunk("tEXt");
  const many = new Uint8Array(chunk.length * 20_000);
  for (let at = 0; at < many.length; at += chunk.length) many.set(chunk, at);
  await assertRefused(
    [pngHeader(2, 2), many, DATA, END],
    "has more than 20000 chunks",
  );
});

function inspect(...chunks: Bytes[]) {
  return probe(concat(PNG_SIGNATURE, ...chunks));
}

async function assertRefused(chunks: Bytes[], message: string): Promise<void> {
  await assertRejects(() => inspect(...chunks), ImageError, message);
}

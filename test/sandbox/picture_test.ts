import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { glyphsOf, textWidth, wrapText } from "../../src/sandbox/font.ts";
import { drawPicture, type Picture } from "../../src/sandbox/picture.ts";

const PICTURE: Picture = {
  prompt: "A lighthouse in the fog",
  variation: "wide angle",
  width: 300,
  height: 200,
  references: 0,
  transparent: false,
  serial: 1,
};
const INK = [250, 245, 235];

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  readonly crc: number;
  readonly actualCrc: number;
}

Deno.test("drawPicture() makes a PNG of the asked size without alpha channel", async () => {
  const { data, info } = await decode(await drawPicture(PICTURE));
  assertEquals([info.width, info.height, info.channels], [300, 200, 3]);
  assertEquals(data.length, 300 * 200 * 3);
});

Deno.test("drawPicture() makes the same bytes of the same picture", async () => {
  const again = { ...PICTURE };
  assertEquals(await drawPicture(PICTURE), await drawPicture(again));
});

for (
  const change of [
    { prompt: "A harbour in the fog" },
    { variation: "close up" },
    { serial: 2 },
    { references: 3 },
  ]
) {
  const [field] = Object.keys(change);
  Deno.test(`drawPicture() shows another "${field}"`, async () => {
    const one = await decode(await drawPicture(PICTURE));
    const other = await decode(await drawPicture({ ...PICTURE, ...change }));
    const differing = one.data.filter((value, at) => value !== other.data[at]);
    assert(differing.length > one.data.length / 100, `${differing.length}`);
  });
}

Deno.test("drawPicture() leaves out the sky of a transparent picture", async () => {
  const file = await drawPicture({ ...PICTURE, transparent: true });
  const { data, info } = await decode(file);
  assertEquals(info.channels, 4);
  const alphas = data.filter((_, at) => at % 4 === 3);
  const firstRow = alphas.subarray(0, info.width);
  const lastRow = alphas.subarray(-info.width);
  assert(firstRow.every((alpha) => alpha === 0));
  assert(lastRow.every((alpha) => alpha === 255));
});

Deno.test("drawPicture() keeps the manifest between header and pixels", async () => {
  const chunks = chunksOf(await drawPicture(PICTURE));
  const types = chunks.map(({ type }) => type);
  assertEquals(types, ["IHDR", "caBX", "IDAT", "IEND"]);
  const manifest = new TextDecoder().decode(chunks[1].data);
  assert(manifest.startsWith("Stand-in provenance manifest"), manifest);
});

Deno.test("drawPicture() gives every chunk its checksum", async () => {
  for (const chunk of chunksOf(await drawPicture({ ...PICTURE, bytes: 1e5 }))) {
    assertEquals(chunk.crc, chunk.actualCrc, chunk.type);
  }
});

Deno.test("drawPicture() pads the file with noise and keeps the pixels", async () => {
  const plain = await drawPicture(PICTURE);
  const padded = await drawPicture({ ...PICTURE, bytes: 400_001 });
  assert(padded.length >= 400_001 && padded.length < 400_100);
  assert(deflateSync(padded).length > 380_000);
  assertEquals((await decode(padded)).data, (await decode(plain)).data);
});

Deno.test("drawPicture() does not pad a file that is long enough", async () => {
  const plain = await drawPicture(PICTURE);
  assertEquals(await drawPicture({ ...PICTURE, bytes: plain.length }), plain);
});

Deno.test("drawPicture() reaches the asked length when few bytes are missing", async () => {
  const bytes = (await drawPicture(PICTURE)).length + 1;
  const padded = await drawPicture({ ...PICTURE, bytes });
  assert(padded.length >= bytes);
  await decode(padded);
});

for (
  const [width, height] of [[16, 16], [16, 4000], [4000, 16], [100, 100]]
) {
  Deno.test(`drawPicture() draws ${width}x${height}`, async () => {
    const file = await drawPicture({ ...PICTURE, width, height });
    const { info } = await decode(file);
    assertEquals([info.width, info.height], [width, height]);
  });
}

Deno.test("drawPicture() writes the caption where there is room for it", async () => {
  assertNotEquals(await inkOf({ width: 300, height: 200 }), 0);
  assertEquals(await inkOf({ width: 48, height: 48 }), 0);
});

Deno.test("drawPicture() scales the caption with the picture", async () => {
  const small = await inkOf({ width: 300, height: 300 });
  const large = await inkOf({ width: 600, height: 600 });
  assertEquals(large, small * 4);
});

Deno.test("glyphsOf() draws every ASCII character in its own way", () => {
  const codes = Array.from({ length: 95 }, (_, index) => 32 + index);
  const glyphs = glyphsOf(String.fromCharCode(...codes));
  assertEquals(new Set(glyphs.map((glyph) => JSON.stringify(glyph))).size, 95);
});

Deno.test("glyphsOf() draws one box for each other character", () => {
  const [cat, moon, tab] = glyphsOf("猫🌙\t");
  assertEquals(glyphsOf("猫🌙\t").length, 3);
  assertEquals([moon, tab], [cat, cat]);
  assertEquals(cat.rows[0], 0b1111);
});

Deno.test("wrapText() breaks at white space and keeps every word", () => {
  const text = "the quick  brown\nfox jumps over the lazy dog";
  const lines = wrapText(text, { width: 60, lines: 9 });
  assert(lines.length > 2);
  assert(lines.every((line) => textWidth(line) <= 60));
  assertEquals(lines.join(" "), text.split(/\s+/).join(" "));
});

Deno.test("wrapText() breaks inside a word that is wider than a line", () => {
  const lines = wrapText("猫".repeat(20), { width: 49, lines: 9 });
  assertEquals(lines, ["猫".repeat(10), "猫".repeat(10)]);
});

Deno.test("wrapText() cuts off what does not fit with an ellipsis", () => {
  const text = "lighthouse ".repeat(3000);
  const lines = wrapText(text, { width: 100, lines: 2 });
  assertEquals(lines.length, 2);
  assert(lines[1].endsWith("..."), lines[1]);
  assert(textWidth(lines[1]) <= 100);
});

Deno.test("wrapText() makes no line of an empty text", () => {
  assertEquals(wrapText(" \n", { width: 100, lines: 2 }), []);
});

function decode(file: Uint8Array) {
  return sharp(file).raw().toBuffer({ resolveWithObject: true });
}

/** How many pixels have the colour of the prompt in the caption. */
async function inkOf(
  size: { readonly width: number; readonly height: number },
): Promise<number> {
  const { data } = await decode(await drawPicture({ ...PICTURE, ...size }));
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (INK.every((value, channel) => data[at + channel] === value)) count++;
  }
  return count;
}

function chunksOf(file: Uint8Array<ArrayBuffer>): Chunk[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const chunks: Chunk[] = [];
  let at = 8;
  while (at < file.length) {
    const end = at + 8 + view.getUint32(at);
    chunks.push({
      type: new TextDecoder().decode(file.subarray(at + 4, at + 8)),
      data: file.subarray(at + 8, end),
      crc: view.getUint32(end),
      actualCrc: crc32(file.subarray(at + 4, end)),
    });
    at = end + 4;
  }
  return chunks;
}

import { assert, assertEquals } from "@std/assert";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
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
    assert(differing.length > one.data.length / 500, `${differing.length}`);
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
  assertEquals(types.slice(0, 2), ["IHDR", "caBX"]);
  assertEquals(types.at(-1), "IEND");
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

Deno.test("drawPicture() draws in spite of a ban on reading drawings", async () => {
  sharp.block({ operation: ["VipsForeignLoadSvg"] });
  await decode(await drawPicture(PICTURE));
});

function decode(file: Uint8Array) {
  return sharp(file).raw().toBuffer({ resolveWithObject: true });
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

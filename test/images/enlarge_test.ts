import { assert, assertEquals, assertLess } from "@std/assert";
import sharp from "sharp";
import {
  type ConversionRequest,
  convertImage,
} from "../../src/images/convert.ts";
import { type Bytes, encode } from "./samples.ts";

const DARK = 40;
const LIGHT = 200;

for (const scale of [1.6, 2, 2.3, 2.5]) {
  for (const axis of ["across", "down"] as const) {
    Deno.test(`convertImage() keeps an edge in its place ${axis} when it enlarges ${scale} times`, async () => {
      const [width, height] = axis === "across" ? [120, 40] : [40, 120];
      const at = (x: number, y: number) =>
        (axis === "across" ? x : y) < 60 ? DARK : LIGHT;
      const native = await draw({ width, height, at });
      const size = { width: width * scale, height: height * scale };
      const line = await readLine(await convert(native, { size }), axis);
      assertEquals(line.length, 120 * scale);
      for (const [index, value] of line.entries()) {
        const opposite = line[line.length - 1 - index];
        // What is as far before the edge as behind it adds up; libvips rounds positions to 1/64 of a pixel.
        assertLess(Math.abs(value + opposite - DARK - LIGHT), 4);
      }
      assert(line.some((value) => value > DARK && value < LIGHT));
    });
  }
}

Deno.test("convertImage() crops to the very centre when it enlarges", async () => {
  const at = (x: number) => x < 60 ? DARK : LIGHT;
  const native = await draw({ width: 120, height: 40, at });
  const size = { width: 91, height: 97 };
  const line = await readLine(await convert(native, { size }), "across");
  assertEquals(line.length, 91);
  assertLess(Math.abs(line[45] - (DARK + LIGHT) / 2), 3);
});

Deno.test("convertImage() puts an enlarged picture into the centre of its padding", async () => {
  const native = await draw({ width: 30, height: 20, at: () => DARK });
  const size = { width: 75, height: 100 };
  const bytes = await convert(native, { size, fit: "contain" });
  const line = await readLine(bytes, "down");
  assertEquals(line, line.toReversed());
  assertEquals(line.filter((value) => value === DARK).length, 50);
  assertEquals(line[0], 255);
});

Deno.test("convertImage() enlarges up to the very border", async () => {
  const native = await draw({ width: 40, height: 40, at: () => LIGHT });
  const bytes = await convert(native, { size: { width: 93, height: 93 } });
  const pixels = await sharp(bytes).raw().toBuffer();
  assertEquals(new Set(pixels), new Set([LIGHT]));
});

Deno.test("convertImage() lets no hidden colour show where it enlarges transparent parts", async () => {
  const width = 40;
  const pixels = Array.from(
    { length: width * width },
    // Red with nothing to see of it beside solid blue.
    (_, index) => index % width < 20 ? [255, 0, 0, 0] : [0, 0, 255, 255],
  );
  const native = await encode(
    sharp(new Uint8Array(pixels.flat()), {
      raw: { width, height: width, channels: 4 },
    }).png(),
  );
  const bytes = await convert(native, { size: { width: 92, height: 92 } });
  const enlarged = await sharp(bytes).raw().toBuffer();
  for (let at = 0; at < enlarged.length; at += 4) {
    if (enlarged[at + 3] > 16) assertLess(enlarged[at], 8);
  }
});

Deno.test("convertImage() enlarges closer to the truth than libvips alone", async () => {
  const size = { width: 480, height: 320 };
  const rings = (x: number, y: number) =>
    128 + 100 * Math.cos(((x - 240) ** 2 + (y - 160) ** 2) / 700);
  const truth = await draw({ ...size, at: rings });
  const small = await encode(sharp(truth).resize(240, 160).png());
  const ours = await convert(small, { size });
  const theirs = await encode(sharp(small).resize(size).png());
  const gain = await measureError(theirs, truth) /
    await measureError(ours, truth);
  // 6 dB and more.
  assert(gain > 4, `only ${gain} times`);
});

const OUTPUT_SIZES = ["1920x1080", "1200x630", "1320x2868", "64x64", "64x2048"];
for (const wanted of OUTPUT_SIZES) {
  for (const fit of ["cover", "contain"] as const) {
    Deno.test(`convertImage() delivers exactly ${wanted} with fit "${fit}"`, async () => {
      const [width, height] = wanted.split("x").map(Number);
      const native = await draw({ width: 317, height: 211, at: () => LIGHT });
      const bytes = await convert(native, { size: { width, height }, fit });
      const metadata = await sharp(bytes).metadata();
      assertEquals([metadata.width, metadata.height], [width, height]);
    });
  }
}

async function convert(
  native: Bytes,
  request: Partial<ConversionRequest>,
): Promise<Bytes> {
  const { bytes } = await convertImage(native, {
    size: undefined,
    fit: "cover",
    format: "png",
    compression: undefined,
    background: "auto",
    ...request,
  });
  return bytes;
}

/** Draws in grey. */
function draw(
  { width, height, at }: {
    readonly width: number;
    readonly height: number;
    readonly at: (x: number, y: number) => number;
  },
): Promise<Bytes> {
  const pixels = Uint8Array.from(
    { length: width * height },
    (_, index) => Math.round(at(index % width, Math.floor(index / width))),
  );
  return encode(sharp(pixels, { raw: { width, height, channels: 1 } }).png());
}

/** Reads the line of pixels through the middle. */
async function readLine(
  bytes: Bytes,
  axis: "across" | "down",
): Promise<number[]> {
  const { data, info } = await sharp(bytes).extractChannel(0).raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const row = Math.floor(height / 2) * width;
  return axis === "across" ? [...data.subarray(row, row + width)] : Array.from(
    { length: height },
    (_, y) => data[y * width + Math.floor(width / 2)],
  );
}

/** Measures the mean of the squared differences of two grey pictures. */
async function measureError(one: Bytes, other: Bytes): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((bytes) =>
      sharp(bytes).extractChannel(0).raw().toBuffer()
    ),
  );
  const sum = a.reduce((sum, value, at) => sum + (value - b[at]) ** 2, 0);
  return sum / a.length;
}

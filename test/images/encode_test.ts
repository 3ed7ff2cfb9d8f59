import { assert, assertEquals, assertExists } from "@std/assert";
import { deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { convertImage } from "../../src/images/convert.ts";
import type { ImageFormat } from "../../src/images/format.ts";
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

const FORMATS = ["png", "jpeg", "webp"] as const;
const XMP =
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>';

for (const format of FORMATS) {
  Deno.test(`encodeImage() keeps colour profile and colours in ${format}`, async () => {
    const plain = sharp({
      create: { width: 24, height: 16, channels: 3, background: "#c04020" },
    });
    const native = await encode(plain.withIccProfile("p3").png());
    const before = await sharp(native).metadata();
    const [stored] = await pixelsOf(native);
    const bytes = await convert(native, format);
    assertExists(before.icc);
    assertEquals((await sharp(bytes).metadata()).icc, before.icc);
    assertNear((await pixelsOf(bytes))[0], stored);
  });

  Deno.test(`encodeImage() keeps EXIF and XMP in ${format}`, async () => {
    const native = await encode(
      picture()
        .withExif({ IFD0: { Copyright: "The Otter Society" } })
        .withXmp(XMP)
        .png(),
    );
    const { exif, xmp } = await sharp(await convert(native, format)).metadata();
    assert(new TextDecoder().decode(exif).includes("The Otter Society"));
    assertEquals(new TextDecoder().decode(xmp), XMP);
  });

  Deno.test(`encodeImage() keeps XMP without EXIF in ${format}`, async () => {
    const native = await encode(picture().withXmp(XMP).png());
    const { exif, xmp } = await sharp(await convert(native, format)).metadata();
    assertEquals(new TextDecoder().decode(xmp), XMP);
    assertEquals(exif, undefined);
  });

  Deno.test(`encodeImage() makes up no metadata in ${format}`, async () => {
    const native = await encode(picture().png());
    const { exif, xmp, icc, iptc } = await sharp(await convert(native, format))
      .metadata();
    assertEquals([exif, xmp, icc, iptc], Array(4).fill(undefined));
  });

  Deno.test(`encodeImage() turns CMYK into sRGB for ${format}`, async () => {
    const plain = sharp({
      create: { width: 24, height: 16, channels: 3, background: "#a08070" },
    });
    for (const profile of [true, false]) {
      const cmyk = plain.clone().toColourspace("cmyk");
      if (profile) cmyk.withIccProfile("cmyk");
      const native = await encode(cmyk.jpeg({ quality: 100 }));
      assertEquals((await sharp(native).metadata()).space, "cmyk");
      const bytes = await convert(native, format);
      const { space, channels, icc } = await sharp(bytes).metadata();
      assertExists(icc);
      assertEquals(new TextDecoder().decode(icc.subarray(16, 20)), "RGB ");
      assertEquals([space, channels], ["srgb", 3]);
      assertNear((await pixelsOf(bytes))[0], [0xa0, 0x80, 0x70], 12);
    }
  });
}

Deno.test("encodeImage() keeps 16 bits where the format has them", async () => {
  const depths = await describeAll(picture().toColourspace("rgb16"));
  assertEquals(depths, ["rgb16 ushort 3", "srgb uchar 3", "srgb uchar 3"]);
});

Deno.test("encodeImage() keeps grey where the format has it", async () => {
  const depths = await describeAll(picture().toColourspace("b-w"));
  assertEquals(depths, ["b-w uchar 1", "b-w uchar 1", "srgb uchar 3"]);
});

Deno.test("encodeImage() keeps 16 bits of grey where the format has them", async () => {
  const depths = await describeAll(picture().toColourspace("grey16"));
  assertEquals(depths, ["grey16 ushort 1", "b-w uchar 1", "srgb uchar 3"]);
});

Deno.test("encodeImage() reads grey by its profile where the format has none", async () => {
  const native = linearGreyPng(128);
  assertNear((await pixelsOf(await convert(native, "png")))[0], [128], 0);
  assertNear((await pixelsOf(await convert(native, "jpeg")))[0], [128], 1);
  // Half of the light is at 188 in sRGB.
  const webp = await convert(native, "webp");
  assertNear((await pixelsOf(webp))[0], [188, 188, 188]);
  const profiles = [native, await convert(native, "jpeg"), webp].map(
    async (bytes) =>
      (await sharp(bytes).metadata()).icc?.toString("latin1", 16, 20),
  );
  assertEquals(await Promise.all(profiles), ["GRAY", "GRAY", "RGB "]);
});

Deno.test("encodeImage() writes the colours of a palette", async () => {
  const native = await encode(
    sharp({
      create: { width: 9, height: 9, channels: 4, background: "#2060a040" },
    }).png({ palette: true }),
  );
  assert((await sharp(native).metadata()).isPalette);
  for (const format of ["png", "webp"] as const) {
    const [pixel] = await pixelsOf(await convert(native, format));
    assertEquals(pixel[3], 0x40);
    assertNear(pixel, [0x20, 0x60, 0xa0], 10);
  }
});

Deno.test("encodeImage() stores colours of a good JPEG in full", async () => {
  const native = await encode(picture().png());
  const expected = [[100, "4:4:4"], [90, "4:4:4"], [89, "4:2:0"], [0, "4:2:0"]];
  for (const [compression, subsampling] of expected) {
    const bytes = await convert(native, "jpeg", Number(compression));
    const { chromaSubsampling } = await sharp(bytes).metadata();
    assertEquals([compression, chromaSubsampling], [compression, subsampling]);
  }
});

Deno.test("encodeImage() loses nothing in PNG", async () => {
  const native = await encode(picture({ alpha: 0.6 }).webp({ lossless: true }));
  assertEquals(
    await pixelsOf(await convert(native, "png")),
    await pixelsOf(native),
  );
});

/** Converts a picture, which is scaled to twice its size where only that makes it need a conversion. */
async function convert(
  native: Bytes,
  format: ImageFormat,
  compression?: number,
): Promise<Bytes> {
  const { width, height, format: own } = await sharp(native).metadata();
  const size = { width: 2 * width, height: 2 * height };
  const { bytes, converted } = await convertImage(native, {
    size: own === format ? size : undefined,
    fit: "cover",
    format,
    compression,
    background: "auto",
  });
  assert(converted);
  return bytes;
}

/** Makes a plain grey PNG whose colour profile says that its numbers are amounts of light. */
function linearGreyPng(value: number): Bytes {
  const rows = new Uint8Array(8 * 9).map((_, at) => at % 9 === 0 ? 0 : value);
  return concat(
    PNG_SIGNATURE,
    pngHeader(8, 8, [8, 0, 0, 0, 0]),
    pngChunk("iCCP", concat("linear\0\0", deflateSync(linearGreyProfile()))),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND"),
  );
}

/** Makes an ICC profile of version 2 with a white point (D50) and a curve that is a straight line. */
function linearGreyProfile(): Bytes {
  const d50 = concat(uint32(0xf6d6), uint32(0x1_0000), uint32(0xd32d));
  const tags = concat(
    uint32(2),
    ...["wtpt", uint32(156), uint32(20)],
    ...["kTRC", uint32(176), uint32(12)],
    ...["XYZ ", uint32(0), d50],
    ...["curv", uint32(0), uint32(0)],
  );
  return concat(
    uint32(128 + tags.length),
    uint32(0),
    uint32(0x0210_0000),
    "mntrGRAYXYZ ",
    new Uint8Array(12),
    "acsp",
    new Uint8Array(28),
    d50,
    new Uint8Array(48),
    tags,
  );
}

/** Describes the PNG, the JPEG and the WebP made of a PNG. */
async function describeAll(native: Sharp): Promise<string[]> {
  const bytes = await encode(native.png());
  const descriptions = [];
  for (const format of FORMATS) {
    const { space, depth, channels } = await sharp(await convert(bytes, format))
      .metadata();
    descriptions.push(`${space} ${depth} ${channels}`);
  }
  return descriptions;
}

/** The numbers of every pixel as stored, without regard to the colour profile. */
async function pixelsOf(bytes: Bytes): Promise<number[][]> {
  const { data, info } = await sharp(bytes, { ignoreIcc: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Array.from(
    { length: info.width * info.height },
    (_, index) => [
      ...data.subarray(index * info.channels, (index + 1) * info.channels),
    ],
  );
}

function assertNear(
  actual: readonly number[],
  expected: readonly number[],
  tolerance = 4,
): void {
  const close = expected.every((value, channel) =>
    Math.abs(value - actual[channel]) <= tolerance
  );
  assert(close, `${actual} is not near ${expected}`);
}

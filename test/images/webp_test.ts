import { assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { ImageError, inspectImage } from "../../src/images/inspect.ts";
import { bytesSource } from "../../src/images/source.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  uint24,
  uint32,
  webp,
  webpCanvas,
  webpChunk,
} from "./samples.ts";

const ANIMATION = 0x02;
const ALPHA = 0x10;
const KINDS: readonly (readonly [string, Bytes, boolean, boolean])[] = [
  ["lossy", await encode(picture().webp()), false, false],
  ["lossless", await encode(picture().webp({ lossless: true })), false, false],
  [
    "translucent lossy",
    await encode(picture({ alpha: 0.5 }).webp()),
    true,
    false,
  ],
  [
    "translucent lossless",
    await encode(picture({ alpha: 0.5 }).webp({ lossless: true })),
    true,
    false,
  ],
  [
    "annotated",
    await encode(
      picture().withExif({ IFD0: { Copyright: "nobody" } }).webp(),
    ),
    false,
    false,
  ],
  ["animated", await animation(), false, true],
];

for (const [kind, bytes, alpha, animated] of KINDS) {
  Deno.test(`inspectImage() takes WebP: ${kind}`, async () => {
    assertEquals(await inspectImage(bytesSource(bytes)), {
      format: "webp",
      mimeType: "image/webp",
      width: 24,
      height: 16,
      alpha,
      animated,
    });
  });

  Deno.test(`inspectImage() refuses WebP that ends at any earlier byte: ${kind}`, async () => {
    for (let length = 0; length < bytes.length; length++) {
      await assertRejects(
        () => inspectImage(bytesSource(bytes.slice(0, length))),
        ImageError,
        length < 12 ? "is " : "is truncated",
        `${length} of ${bytes.length} bytes`,
      );
    }
  });
}

Deno.test("inspectImage() reads the largest WebP sizes", async () => {
  const limits = { maxPixels: Infinity };
  for (const chunk of [lossy(16_383, 16_382), lossless(16_383, 16_382)]) {
    const info = await inspectImage(bytesSource(webp(chunk)), limits);
    assertEquals([info.width, info.height], [16_383, 16_382]);
  }
});

Deno.test("inspectImage() finds alpha in WebP image data that its canvas does not declare", async () => {
  const picture = lossless(7, 5);
  picture[12] |= 0x10;
  const bytes = webp(webpCanvas(0, 7, 5), picture);
  assertEquals((await inspectImage(bytesSource(bytes))).alpha, true);
});

Deno.test("inspectImage() tolerates bytes after the RIFF size", async () => {
  const bytes = concat(webp(lossy(7, 5)), "more");
  assertEquals((await inspectImage(bytesSource(bytes))).width, 7);
});

Deno.test("inspectImage() takes a WebP whose last chunk lacks its padding", async () => {
  const padded = webp(lossy(7, 5), webpChunk("EXIF", [1]));
  const bytes = padded.slice(0, -1);
  bytes[4] -= 1;
  assertEquals((await inspectImage(bytesSource(bytes))).width, 7);
});

Deno.test("inspectImage() refuses WebP bombs by their first chunk", async () => {
  const cases: [Bytes, string][] = [
    [lossy(16_383, 16_383), "declares 16383x16383 pixels, more than"],
    [lossless(16_384, 16_384), "declares 16384x16384 pixels, more than"],
    [webpCanvas(0, 65_536, 65_535), "declares 65536x65535 pixels, more than"],
  ];
  for (const [chunk, message] of cases) await assertRefused([chunk], message);
});

Deno.test("inspectImage() refuses a WebP without pixels", async () => {
  await assertRefused([lossy(0, 5)], "declares 0x5 pixels, which is no image");
});

Deno.test("inspectImage() refuses a WebP whose picture is larger than its canvas says", async () => {
  await assertRefused(
    [webpCanvas(ALPHA, 2, 2), lossy(16_383, 16_383)],
    "has a picture of 16383x16383 pixels that does not agree with its canvas of 2x2",
  );
});

Deno.test("inspectImage() takes WebP frames within their canvas and refuses others", async () => {
  const canvas = webpCanvas(ANIMATION, 10, 10);
  const control = webpChunk("ANIM", [0, 0, 0, 0, 0, 0]);
  const inside = frame({ x: 4, y: 6 }, lossy(6, 4));
  const bytes = webp(canvas, control, inside);
  assertEquals((await inspectImage(bytesSource(bytes))).animated, true);
  for (const place of [{ x: 6, y: 6 }, { x: 4, y: 8 }]) {
    await assertRefused(
      [canvas, control, frame(place, lossy(6, 4))],
      "does not agree with its canvas of 10x10",
    );
  }
});

Deno.test("inspectImage() refuses a WebP frame that lies about its picture", async () => {
  const honest = frame({ x: 0, y: 0 }, lossy(6, 4));
  const lying = concat(honest.subarray(0, 24), lossy(9_999, 4));
  const empty = webpChunk("ANMF", new Uint8Array(16));
  for (const chunk of [lying, empty]) {
    await assertRefused(
      [webpCanvas(ANIMATION, 10, 10), chunk],
      "has a damaged frame at byte 38",
    );
  }
});

Deno.test("inspectImage() refuses a WebP without a picture", async () => {
  const message = "has no picture: the image data chunk is missing";
  await assertRefused([], message);
  await assertRefused([webpCanvas(0, 2, 2)], message);
  await assertRefused([webpCanvas(ANIMATION, 7, 5), lossy(7, 5)], message);
  await assertRefused(
    [webpChunk("EXIF", [1, 2]), lossy(7, 5)],
    "begins with a chunk that is no image data",
  );
});

Deno.test("inspectImage() refuses damaged WebP image data", async () => {
  const message = "has damaged image data at byte 20";
  const frameBetween = lossy(7, 5);
  frameBetween[8] |= 1;
  const wrongStart = lossy(7, 5);
  wrongStart[11] ^= 1;
  const wrongSignature = lossless(7, 5);
  wrongSignature[8] ^= 1;
  const wrongVersion = lossless(7, 5);
  wrongVersion[12] |= 0x20;
  for (
    const chunk of [frameBetween, wrongStart, wrongSignature, wrongVersion]
  ) {
    await assertRefused([chunk], message);
  }
  await assertRefused([webpChunk("VP8 ", [0, 0])], "has a damaged VP8  chunk");
});

Deno.test("inspectImage() refuses a WebP chunk that ends behind the RIFF size", async () => {
  const chunk = concat("EXIF", uint32(9).reverse(), [1]);
  await assertRefused(
    [lossy(7, 5), chunk],
    "has a damaged chunk at byte 30",
  );
  await assertRefused(
    [lossy(7, 5), concat("EXI")],
    "has a damaged chunk at byte 30",
  );
});

Deno.test("inspectImage() refuses a WebP of endless chunks", async () => {
  const chunk = webpChunk("EXIF", []);
  const many = new Uint8Array(100_000 * chunk.length);
  for (let at = 0; at < many.length; at += chunk.length) many.set(chunk, at);
  await assertRefused([lossy(7, 5), many], "has more than 100000 chunks");
});

function lossy(width: number, height: number): Bytes {
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  return webpChunk("VP8 ", [0x10, 0, 0, 0x9d, 0x01, 0x2a, ...size]);
}

function lossless(width: number, height: number): Bytes {
  const bits = width - 1 | height - 1 << 14;
  return webpChunk("VP8L", [0x2f, ...uint32(bits).reverse()]);
}

function frame(place: { x: number; y: number }, chunk: Bytes): Bytes {
  const { x, y } = place;
  const size = [...uint24(5), ...uint24(3)];
  const head = [...uint24(x / 2), ...uint24(y / 2), ...size, 0, 0, 0, 0];
  return webpChunk("ANMF", concat(head, chunk));
}

async function animation(): Promise<Bytes> {
  const frames = [
    await picture().png().toBuffer(),
    await picture().negate().png().toBuffer(),
  ];
  return encode(sharp(frames, { join: { animated: true } }).webp());
}

async function assertRefused(chunks: Bytes[], message: string): Promise<void> {
  await assertRejects(
    () => inspectImage(bytesSource(webp(...chunks))),
    ImageError,
    message,
  );
}

import { assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { ImageError } from "../../src/images/format.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  probe,
  uint32,
  webp,
  webpCanvas,
  webpChunk,
} from "./samples.ts";

const ANIMATION = 0x02;
const ANIMATED = "is an animation, and not one still picture";
const UNREADABLE = "cannot be decoded";
const KINDS: readonly (readonly [string, Bytes, boolean])[] = [
  ["lossy", await encode(picture().webp()), false],
  ["lossless", await encode(picture().webp({ lossless: true })), false],
  ["translucent lossy", await encode(picture({ alpha: 0.5 }).webp()), true],
  [
    "translucent lossless",
    await encode(picture({ alpha: 0.5 }).webp({ lossless: true })),
    true,
  ],
  [
    "annotated",
    await encode(
      picture().withExif({ IFD0: { Copyright: "nobody" } }).webp(),
    ),
    false,
  ],
];

for (const [kind, bytes, alpha] of KINDS) {
  Deno.test(`probeImage() takes WebP: ${kind}`, async () => {
    assertEquals(await probe(bytes), {
      format: "webp",
      mimeType: "image/webp",
      width: 24,
      height: 16,
      alpha,
    });
  });

  Deno.test(`probeImage() refuses WebP that ends at any earlier byte: ${kind}`, async () => {
    for (let length = 0; length < bytes.length; length++) {
      await assertRejects(
        () => probe(bytes.slice(0, length)),
        ImageError,
        length < 12 ? "is " : "is truncated",
        `${length} of ${bytes.length} bytes`,
      );
    }
  });
}

Deno.test("probeImage() refuses WebP whose data ends before its declared size says", async () => {
  const [, bytes] = KINDS[0];
  for (const length of [30, 40, bytes.length - 2]) {
    const cut = bytes.slice(0, length);
    new DataView(cut.buffer).setUint32(4, length - 8, true);
    await assertRejects(() => probe(cut), ImageError, UNREADABLE);
  }
});

Deno.test("probeImage() tolerates bytes after the RIFF size", async () => {
  assertEquals((await probe(concat(webp(lossy(7, 5)), "more"))).width, 7);
});

Deno.test("probeImage() refuses a WebP bomb by its first chunk", async () => {
  await assertRefused(
    [lossy(16_383, 16_383)],
    "declares 16383x16383 pixels, more than the 100000000 allowed",
  );
});

Deno.test("probeImage() refuses a WebP whose picture is larger than its canvas says", async () => {
  await assertRefused([webpCanvas(0, 2, 2), lossy(16_383, 16_383)], UNREADABLE);
});

Deno.test("probeImage() refuses a WebP without a picture", async () => {
  for (const chunks of [[], [webpCanvas(0, 2, 2)]]) {
    await assertRefused(chunks, UNREADABLE);
  }
  await assertRefused([lossy(0, 5)], UNREADABLE);
});

Deno.test("probeImage() refuses damaged WebP image data", async () => {
  const frameBetween = lossy(7, 5);
  frameBetween[8] |= 1;
  const wrongStart = lossy(7, 5);
  wrongStart[11] ^= 1;
  const wrongSignature = lossless(7, 5);
  wrongSignature[8] ^= 1;
  const short = webpChunk("VP8 ", [0, 0]);
  for (const chunk of [frameBetween, wrongStart, wrongSignature, short]) {
    await assertRefused([chunk], UNREADABLE);
  }
});

Deno.test("probeImage() refuses an animated WebP by its 21st byte", async () => {
  const frames = [
    await picture().png().toBuffer(),
    await picture().negate().png().toBuffer(),
  ];
  const animation = sharp(frames, { join: { animated: true } }).webp();
  await assertRejects(
    async () => probe(await encode(animation)),
    ImageError,
    ANIMATED,
  );
  await assertRefused([webpCanvas(ANIMATION, 10, 10)], ANIMATED);
});

function lossy(width: number, height: number): Bytes {
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  return webpChunk("VP8 ", [0x10, 0, 0, 0x9d, 0x01, 0x2a, ...size]);
}

function lossless(width: number, height: number): Bytes {
  const bits = width - 1 | height - 1 << 14;
  return webpChunk("VP8L", [0x2f, ...uint32(bits).reverse()]);
}

async function assertRefused(chunks: Bytes[], message: string): Promise<void> {
  await assertRejects(() => probe(webp(...chunks)), ImageError, message);
}

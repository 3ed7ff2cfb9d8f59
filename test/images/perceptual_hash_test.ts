import {
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import sharp, { type Sharp } from "sharp";
import { ImageError } from "../../src/images/format.ts";
import {
  hammingDistance,
  NEAR_DUPLICATE_DISTANCE,
  perceptualHash,
} from "../../src/images/perceptual_hash.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";
import { type Bytes, encode } from "./samples.ts";

const NATIVE = await draw(1);

const COPIES: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  "as a poor JPEG": (image) => image.jpeg({ quality: 30 }),
  "as a poor WebP": (image) => image.webp({ quality: 20 }),
  "scaled down": (image) => image.resize(200),
  "scaled up": (image) => image.resize(900),
  "blurred": (image) => image.blur(3),
  "brighter": (image) => image.linear(1.1, 0),
  "warmer": (image) => image.recomb([[1.06, 0, 0], [0, 1, 0], [0, 0, 0.92]]),
  "cropped by a percent": (image) =>
    image.extract({ left: 5, top: 3, width: 470, height: 314 }),
};

for (const [change, apply] of Object.entries(COPIES)) {
  Deno.test(`perceptualHash() takes a picture for the same when it is ${change}`, async () => {
    const copy = await encode(apply(sharp(NATIVE)));
    assertNotEquals(copy, NATIVE);
    const distance = await measureDistance(copy, NATIVE);
    assertLessOrEqual(distance, NEAR_DUPLICATE_DISTANCE);
  });
}

Deno.test("perceptualHash() tells the pictures of one prompt apart", async () => {
  const pictures = await Promise.all([1, 2, 3, 4].map(draw));
  for (const [index, one] of pictures.entries()) {
    for (const other of pictures.slice(index + 1)) {
      assertGreater(await measureDistance(one, other), NEAR_DUPLICATE_DISTANCE);
    }
  }
});

Deno.test("perceptualHash() tells a picture from its mirror image", async () => {
  const mirrored = await encode(sharp(NATIVE).flop());
  // The 32 waves that are lopsided change their sign; a faint one may round to nothing.
  const distance = await measureDistance(mirrored, NATIVE);
  assertGreater(distance, 24);
  assertLess(distance, 40);
});

Deno.test("perceptualHash() looks at a picture as EXIF turns it", async () => {
  const turned = await encode(
    sharp(NATIVE).rotate(-90).withMetadata({ orientation: 6 }).png(),
  );
  assertLessOrEqual(await measureDistance(turned, NATIVE), 1);
});

Deno.test("perceptualHash() sees black as well as white drawings on nothing", async () => {
  const drawings = await Promise.all(
    ["black", "white"].map((colour) =>
      encode(
        sharp({
          create: { width: 60, height: 40, channels: 4, background: "#0000" },
        }).composite([{
          input: {
            create: { width: 20, height: 10, channels: 3, background: colour },
          },
          left: 5,
          top: 20,
        }]).png(),
      )
    ),
  );
  for (const drawing of drawings) {
    assertNotEquals(await perceptualHash(drawing), 0n);
  }
});

Deno.test("perceptualHash() has no bits for a plain picture", async () => {
  for (const background of ["red", "#123456", "white"]) {
    const plain = sharp({
      create: { width: 50, height: 30, channels: 3, background },
    });
    assertEquals(await perceptualHash(await encode(plain.png())), 0n);
  }
});

Deno.test("perceptualHash() fits into 64 bits", async () => {
  const hash = await perceptualHash(NATIVE);
  assertEquals(BigInt.asUintN(64, hash), hash);
});

Deno.test("perceptualHash() refuses what is no picture", async () => {
  await assertRejects(
    () => perceptualHash(new Uint8Array(100)),
    ImageError,
    "cannot be decoded",
  );
});

Deno.test("hammingDistance() counts the bits that differ", () => {
  assertEquals(hammingDistance(0b1010n, 0b1010n), 0);
  assertEquals(hammingDistance(0b1010n, 0b0110n), 2);
  assertEquals(hammingDistance(0n, 2n ** 64n - 1n), 64);
});

function draw(serial: number): Promise<Bytes> {
  return drawPicture({
    prompt: "A lighthouse in the fog",
    variation: "",
    width: 480,
    height: 320,
    references: 0,
    transparent: false,
    serial,
  });
}

async function measureDistance(one: Bytes, other: Bytes): Promise<number> {
  return hammingDistance(
    await perceptualHash(one),
    await perceptualHash(other),
  );
}

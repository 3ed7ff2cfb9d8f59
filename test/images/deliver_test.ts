import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import {
  deliverImage,
  type Delivery,
  type DeliveryWish,
} from "../../src/images/deliver.ts";
import { ImageError } from "../../src/images/info.ts";
import { doPixelWork } from "../../src/images/pixel_work.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
} from "./samples.ts";

const WISH: DeliveryWish = {
  size: undefined,
  fit: "cover",
  format: "png",
  compression: undefined,
  background: "auto",
};
const FORMATS = ["png", "jpeg", "webp"] as const;
const FITS = ["cover", "contain", "none"] as const;
const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];

Deno.test("deliverImage() leaves a picture alone that needs nothing", async () => {
  const native = await encode(picture().png());
  assertEquals(await deliverImage(native, WISH), {
    bytes: native,
    mimeType: "image/png",
    width: 24,
    height: 16,
    nativeWidth: 24,
    nativeHeight: 16,
    converted: false,
    resize: null,
    transparent: false,
    warnings: [],
  });
});

Deno.test("deliverImage() delivers the very bytes where the picture is right already", async () => {
  const cases: [Bytes, Partial<DeliveryWish>][] = [
    [await encode(picture().png()), { size: { width: 24, height: 16 } }],
    [await encode(picture().png()), { compression: 40 }],
    [await encode(picture().png()), { background: "opaque" }],
    [await encode(picture({ alpha: 0.99 }).png()), { background: "opaque" }],
    [await encode(picture({ alpha: 0.2 }).png()), {
      background: "transparent",
    }],
    [await encode(picture().jpeg()), { format: "jpeg" }],
    [await encode(picture().webp()), { format: "webp" }],
  ];
  for (const [native, wish] of cases) {
    const delivery = await deliver(native, wish);
    assertStrictEquals(delivery.bytes, native);
    assertEquals([delivery.converted, delivery.warnings], [false, []]);
  }
});

for (const format of FORMATS) {
  for (const fit of FITS) {
    Deno.test(`deliverImage() delivers ${format} with fit "${fit}" as it says`, async () => {
      const native = await encode(picture({ width: 40, height: 30 }).png());
      for (const size of [[64, 48], [64, 32], [32, 64], [20, 15], [48, 16]]) {
        const [width, height] = size;
        const delivery = await deliver(native, {
          size: { width, height },
          fit,
          format,
        });
        const expected = fit === "none" ? [40, 30] : size;
        const { info } = await pixelsOf(delivery);
        assertEquals([info.width, info.height], expected);
        assertEquals([delivery.width, delivery.height], expected);
        assertEquals([delivery.nativeWidth, delivery.nativeHeight], [40, 30]);
        assertEquals(delivery.resize?.fit, fit);
        assertEquals(delivery.converted, fit !== "none" || format !== "png");
        assertEquals(delivery.mimeType, `image/${format}`);
        const metadata = await sharp(delivery.bytes).metadata();
        assertEquals(metadata.format, format);
      }
    });
  }
}

Deno.test("deliverImage() covers by scaling and cropping to the centre", async () => {
  const native = await bands([RED, GREEN, BLUE], { width: 60, height: 20 });
  const size = { width: 30, height: 30 };
  const delivery = await deliver(native, { size });
  assertEquals(delivery.resize, { fit: "cover", scale: 1.5 });
  const { at } = await pixelsOf(delivery);
  for (const x of [3, 15, 26]) assertEquals(at(x, 15), GREEN);
});

for (const width of [90, 240]) {
  Deno.test(`deliverImage() scales 120 pixels to ${width} so sharply that edges ring`, async () => {
    const colours = [[50, 50, 50], [200, 200, 200]];
    const native = await bands(colours, { width: 120, height: 40 });
    const size = { width, height: width / 3 };
    const { at } = await pixelsOf(await deliver(native, { size }));
    const row = Array.from({ length: width }, (_, x) => at(x, 10)[0]);
    assertLess(Math.min(...row), 50);
    assertGreater(Math.max(...row), 200);
  });
}

Deno.test("deliverImage() contains by scaling and padding with white", async () => {
  const native = await bands([RED, GREEN, BLUE], { width: 60, height: 20 });
  const size = { width: 90, height: 90 };
  for (const format of FORMATS) {
    const delivery = await deliver(native, { size, fit: "contain", format });
    assertEquals(delivery.resize, { fit: "contain", scale: 1.5 });
    const { at, info } = await pixelsOf(delivery);
    assertEquals(info.channels, 3);
    assertNear(at(45, 10), WHITE);
    assertNear(at(45, 80), WHITE);
    assertNear(at(15, 45), RED);
    assertNear(at(75, 45), BLUE);
  }
});

Deno.test("deliverImage() pads a transparent picture with nothing", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const wish = { size: { width: 60, height: 60 }, fit: "contain" } as const;
  for (const format of ["png", "webp"] as const) {
    const { at } = await pixelsOf(await deliver(native, { ...wish, format }));
    assertEquals(at(30, 3)[3], 0);
    assertEquals(at(45, 30)[3], 255);
  }
});

Deno.test("deliverImage() pads with nothing where a transparent background is asked for", async () => {
  const native = await bands([RED]);
  const delivery = await deliver(native, {
    size: { width: 60, height: 60 },
    fit: "contain",
    background: "transparent",
  });
  assertEquals((await pixelsOf(delivery)).at(30, 3)[3], 0);
  assertEquals(delivery.transparent, true);
  assertEquals(delivery.warnings, [
    "Asked for a transparent background, and only the padding is transparent",
  ]);
});

Deno.test("deliverImage() pads with white where an opaque background is asked for", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const { at, info } = await pixelsOf(
    await deliver(native, {
      size: { width: 60, height: 60 },
      fit: "contain",
      background: "opaque",
    }),
  );
  assertEquals(info.channels, 3);
  assertEquals([at(30, 3), at(5, 30)], [WHITE, WHITE]);
});

Deno.test("deliverImage() says that fit none left another size", async () => {
  const native = await encode(picture().png());
  const size = { width: 1024, height: 640 };
  const delivery = await deliver(native, { size, fit: "none" });
  assertStrictEquals(delivery.bytes, native);
  assertEquals(delivery.resize, { fit: "none", scale: 1 });
  assertEquals(delivery.warnings, [
    'Asked for 1024x640, delivered 24x16 as made, because fit is "none"',
  ]);
});

Deno.test("deliverImage() says that it scaled up more than twice", async () => {
  const native = await encode(picture({ width: 167, height: 94 }).png());
  const delivery = await deliver(native, { size: { width: 384, height: 216 } });
  assertEquals(delivery.resize, { fit: "cover", scale: 2.299 });
  assertEquals(delivery.warnings, [
    "Scaled up 2.3 times: Codex made 167x94, and 384x216 was asked for",
  ]);
});

Deno.test("deliverImage() scales up twice without a word", async () => {
  const native = await encode(picture().png());
  const delivery = await deliver(native, { size: { width: 48, height: 32 } });
  assertEquals(delivery.resize, { fit: "cover", scale: 2 });
  assertEquals(delivery.warnings, []);
});

Deno.test("deliverImage() enlarges a single pixel", async () => {
  const native = await encode(picture({ width: 1, height: 1 }).png());
  for (const fit of ["cover", "contain"] as const) {
    const size = { width: 64, height: 40 };
    const { width, height } = await deliver(native, { size, fit });
    assertEquals({ width, height }, size);
  }
});

Deno.test("deliverImage() puts a picture on white that has to be opaque", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const delivery = await deliver(native, { background: "opaque" });
  const { at, info } = await pixelsOf(delivery);
  assertEquals(info.channels, 3);
  assertEquals([at(5, 5), at(25, 5)], [WHITE, GREEN]);
  assertEquals([delivery.converted, delivery.transparent], [true, false]);
  assertEquals(delivery.warnings, [
    'Put on white: Codex made the picture with transparent parts, and background is "opaque"',
  ]);
});

Deno.test("deliverImage() puts a transparent picture on white for JPEG", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const delivery = await deliver(native, { format: "jpeg" });
  const { at } = await pixelsOf(delivery);
  assertNear(at(5, 5), WHITE);
  assertNear(at(25, 5), GREEN);
  assertEquals(delivery.transparent, false);
  assertEquals(delivery.warnings, [
    "Put on white: Codex made the picture with transparent parts, and JPEG has no transparency",
  ]);
});

Deno.test("deliverImage() drops an alpha channel that shows nothing without a word", async () => {
  const native = await encode(picture({ alpha: 0.99 }).png());
  const delivery = await deliver(native, { format: "jpeg" });
  assertEquals(delivery.warnings, []);
});

Deno.test("deliverImage() keeps the alpha channel as it is in a lossy WebP", async () => {
  const alphas = Array.from({ length: 30 }, (_, index) => 7 * index);
  const native = await bands(alphas.map((alpha) => [...RED, alpha]));
  const delivery = await deliver(native, { format: "webp", compression: 5 });
  const { at } = await pixelsOf(delivery);
  assertEquals(alphas.map((_, index) => at(index, 9)[3]), alphas);
  assertEquals(delivery.transparent, true);
});

Deno.test("deliverImage() says that a transparent background was asked for in vain", async () => {
  const warnings = [
    "Asked for a transparent background, and the delivered picture has none",
  ];
  for (const native of [picture().png(), picture({ alpha: 0.99 }).png()]) {
    const wish = { background: "transparent" } as const;
    const delivery = await deliver(await encode(native), wish);
    assertEquals(delivery.transparent, false);
    assertEquals(delivery.warnings, warnings);
  }
});

Deno.test("deliverImage() measures transparency after the crop", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255], [...BLUE, 0]]);
  assertEquals((await deliver(native, {})).transparent, true);
  const size = { width: 10, height: 20 };
  assertEquals((await deliver(native, { size })).transparent, false);
});

Deno.test("deliverImage() writes smaller files for less quality", async () => {
  const native = await encode(picture({ width: 100, height: 80 }).png());
  for (const format of ["jpeg", "webp"] as const) {
    const sizes = [];
    for (const compression of [0, 50, 90, 100]) {
      sizes.push((await deliver(native, { format, compression })).bytes.length);
    }
    assertEquals(sizes, sizes.toSorted((a, b) => a - b));
    assertEquals(new Set(sizes).size, 4);
    const { bytes } = await deliver(native, { format });
    assertEquals(bytes.length, sizes[2]);
  }
});

Deno.test("deliverImage() writes a JPEG again where its quality is asked for", async () => {
  const native = await encode(picture().jpeg({ quality: 100 }));
  const wish = { format: "jpeg", compression: 20 } as const;
  const delivery = await deliver(native, wish);
  assertEquals(delivery.converted, true);
  assertLess(delivery.bytes.length, native.length);
});

// The letters tell where the four quarters of the stored picture are shown.
const SHOWN = ["ABCD", "BADC", "DCBA", "CDAB", "ACBD", "CADB", "DBCA", "BDAC"];
for (const [index, shown] of SHOWN.entries()) {
  const orientation = index + 1;
  Deno.test(`deliverImage() turns a picture with EXIF orientation ${orientation} once`, async () => {
    const native = await quarters(orientation);
    const [width, height] = orientation < 5 ? [80, 40] : [40, 80];
    const size = { width, height };
    const delivery = await deliver(native, { size });
    assertEquals(delivery.resize?.scale, 2);
    assertEquals(delivery.nativeWidth, width / 2);
    const { at, info } = await pixelsOf(delivery);
    assertEquals([info.width, info.height], [width, height]);
    const colours = { A: RED, B: GREEN, C: BLUE, D: WHITE };
    const seen = [[1, 1], [3, 1], [1, 3], [3, 3]].map(([x, y]) => {
      const pixel = at(x * width / 4, y * height / 4);
      return Object.entries(colours).find(([, colour]) =>
        colour.every((value, channel) => value === pixel[channel])
      )?.[0];
    });
    assertEquals(seen.join(""), shown);
    const metadata = await sharp(delivery.bytes).metadata();
    assertEquals(metadata.orientation ?? 1, 1);
  });
}

Deno.test("deliverImage() leaves the EXIF orientation of a picture that needs nothing", async () => {
  const native = await quarters(6);
  const delivery = await deliver(native, { size: { width: 20, height: 40 } });
  assertStrictEquals(delivery.bytes, native);
  assertEquals([delivery.width, delivery.height], [20, 40]);
});

const BROKEN: Readonly<Record<string, Bytes>> = {
  "nothing": new Uint8Array(0),
  "a text": concat("this is no picture at all"),
  "half a PNG": (await encode(picture().png())).slice(0, 600),
  "half a JPEG": (await encode(picture().jpeg())).slice(0, 400),
  "half a WebP": (await encode(picture().webp())).slice(0, 200),
  "a PNG whose data is none": whole(pngHeader(8, 8), [1, 2, 3, 4]),
  "a PNG with too few rows": whole(
    pngHeader(100, 100),
    deflateSync(new Uint8Array(301 * 10)),
  ),
  "a GIF": await encode(picture().gif()),
};
for (const [kind, native] of Object.entries(BROKEN)) {
  Deno.test(`deliverImage() refuses ${kind}`, async () => {
    const error = await assertRejects(() => deliver(native, {}), ImageError);
    assert(/^(?:cannot be|is not) [^\n]+$/.test(error.message), error.message);
  });
}

Deno.test("deliverImage() refuses more than 100 million pixels unseen", async () => {
  const data = deflateSync(new Uint8Array(1000));
  await assertRejects(
    () => deliver(whole(pngHeader(10_001, 10_000), data), {}),
    ImageError,
    "exceeds pixel limit",
  );
});

Deno.test("deliverImage() refuses what the format cannot hold", async () => {
  const native = await encode(picture({ width: 16_400, height: 1 }).png());
  await assertRejects(
    () => deliver(native, { format: "webp" }),
    ImageError,
    "too large for the WebP format",
  );
});

Deno.test("deliverImage() waits for no single piece of other work", async () => {
  const native = await encode(picture().png());
  const slow = Promise.withResolvers<void>();
  const other = doPixelWork(() => slow.promise);
  const { mimeType } = await deliver(native, { format: "jpeg" });
  assertEquals(mimeType, "image/jpeg");
  slow.resolve();
  await other;
});

function deliver(
  native: Bytes,
  wish: Partial<DeliveryWish>,
): Promise<Delivery> {
  return deliverImage(native, { ...WISH, ...wish });
}

/** Decodes what was delivered. */
async function pixelsOf({ bytes }: Delivery) {
  const { data, info } = await sharp(bytes)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    info,
    at: (x: number, y: number) => {
      const start = (y * info.width + x) * info.channels;
      return [...data.subarray(start, start + info.channels)];
    },
  };
}

/** Draws upright bands of colours, from left to right. */
function bands(
  colours: readonly (readonly number[])[],
  size = { width: 30, height: 20 },
): Promise<Bytes> {
  const { width, height } = size;
  const pixels = Array.from(
    { length: width * height },
    (_, index) => colours[Math.floor(index % width / width * colours.length)],
  );
  const channels = colours[0].length === 4 ? 4 : 3;
  const raw = { width, height, channels } as const;
  return encode(sharp(new Uint8Array(pixels.flat()), { raw }).png());
}

/** Draws a quarter each in red and green, over blue and white. */
function quarters(orientation: number): Promise<Bytes> {
  const pixels = Array.from({ length: 40 * 20 }, (_, index) => {
    const left = index % 40 < 20;
    return index < 40 * 10 ? (left ? RED : GREEN) : (left ? BLUE : WHITE);
  });
  const raw = { width: 40, height: 20, channels: 3 } as const;
  return encode(
    sharp(new Uint8Array(pixels.flat()), { raw })
      .withMetadata({ orientation })
      .png(),
  );
}

/** Makes a PNG whose chunks are right, whatever its data is. */
function whole(header: Bytes, data: Uint8Array | number[]): Bytes {
  return concat(
    PNG_SIGNATURE,
    header,
    pngChunk("IDAT", data),
    pngChunk("IEND"),
  );
}

function assertNear(actual: number[], expected: readonly number[]): void {
  const close = expected.every((value, channel) =>
    Math.abs(value - actual[channel]) <= 6
  );
  assert(close, `${actual} is not near ${expected}`);
}

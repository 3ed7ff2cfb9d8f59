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
  type Conversion,
  type ConversionRequest,
  convertImage,
  planResize,
} from "../../src/images/convert.ts";
import { ImageError } from "../../src/images/format.ts";
import { withImageSlot } from "../../src/images/pixels.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
} from "./samples.ts";

const REQUEST: ConversionRequest = {
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

Deno.test("convertImage() leaves a picture alone that needs nothing", async () => {
  const native = await encode(picture().png());
  assertEquals(await convertImage(native, REQUEST), {
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

Deno.test("convertImage() delivers the very bytes where the picture is right already", async () => {
  const cases: [Bytes, Partial<ConversionRequest>][] = [
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
  for (const [native, request] of cases) {
    const conversion = await convert(native, request);
    assertStrictEquals(conversion.bytes, native);
    assertEquals([conversion.converted, conversion.warnings], [false, []]);
  }
});

for (const format of FORMATS) {
  for (const fit of FITS) {
    Deno.test(`convertImage() delivers ${format} with fit "${fit}" as it says`, async () => {
      const native = await encode(picture({ width: 40, height: 30 }).png());
      for (const size of [[64, 48], [64, 32], [32, 64], [20, 15], [48, 16]]) {
        const [width, height] = size;
        const conversion = await convert(native, {
          size: { width, height },
          fit,
          format,
        });
        const expected = fit === "none" ? [40, 30] : size;
        const { info } = await pixelsOf(conversion);
        assertEquals([info.width, info.height], expected);
        assertEquals([conversion.width, conversion.height], expected);
        assertEquals([conversion.nativeWidth, conversion.nativeHeight], [
          40,
          30,
        ]);
        assertEquals(conversion.resize?.fit, fit);
        assertEquals(conversion.converted, fit !== "none" || format !== "png");
        assertEquals(conversion.mimeType, `image/${format}`);
        const metadata = await sharp(conversion.bytes).metadata();
        assertEquals(metadata.format, format);
      }
    });
  }
}

Deno.test("convertImage() covers by scaling and cropping to the centre", async () => {
  const native = await bands([RED, GREEN, BLUE], { width: 60, height: 20 });
  const size = { width: 30, height: 30 };
  const conversion = await convert(native, { size });
  assertEquals(conversion.resize, {
    fit: "cover",
    scale: 1.5,
    method: "bicubic",
  });
  const { at } = await pixelsOf(conversion);
  for (const x of [3, 15, 26]) assertEquals(at(x, 15), GREEN);
});

for (const width of [90, 240]) {
  Deno.test(`convertImage() scales 120 pixels to ${width} so sharply that edges ring`, async () => {
    const colours = [[50, 50, 50], [200, 200, 200]];
    const native = await bands(colours, { width: 120, height: 40 });
    const size = { width, height: width / 3 };
    const { at } = await pixelsOf(await convert(native, { size }));
    const row = Array.from({ length: width }, (_, x) => at(x, 10)[0]);
    assertLess(Math.min(...row), 50);
    assertGreater(Math.max(...row), 200);
  });
}

Deno.test("convertImage() contains by scaling and padding with white", async () => {
  const native = await bands([RED, GREEN, BLUE], { width: 60, height: 20 });
  const size = { width: 90, height: 90 };
  for (const format of FORMATS) {
    const conversion = await convert(native, { size, fit: "contain", format });
    assertEquals(conversion.resize, {
      fit: "contain",
      scale: 1.5,
      method: "bicubic",
    });
    const { at, info } = await pixelsOf(conversion);
    assertEquals(info.channels, 3);
    assertNear(at(45, 10), WHITE);
    assertNear(at(45, 80), WHITE);
    assertNear(at(15, 45), RED);
    assertNear(at(75, 45), BLUE);
  }
});

Deno.test("convertImage() pads a transparent picture with nothing", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const request = { size: { width: 60, height: 60 }, fit: "contain" } as const;
  for (const format of ["png", "webp"] as const) {
    const { at } = await pixelsOf(
      await convert(native, { ...request, format }),
    );
    assertEquals(at(30, 3)[3], 0);
    assertEquals(at(45, 30)[3], 255);
  }
});

Deno.test("convertImage() pads with nothing where a transparent background is asked for", async () => {
  const native = await bands([RED]);
  const conversion = await convert(native, {
    size: { width: 60, height: 60 },
    fit: "contain",
    background: "transparent",
  });
  assertEquals((await pixelsOf(conversion)).at(30, 3)[3], 0);
  assertEquals(conversion.transparent, true);
  assertEquals(conversion.warnings, [
    "Asked for a transparent background, and only the padding is transparent",
  ]);
});

Deno.test("convertImage() pads with white where an opaque background is asked for", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const { at, info } = await pixelsOf(
    await convert(native, {
      size: { width: 60, height: 60 },
      fit: "contain",
      background: "opaque",
    }),
  );
  assertEquals(info.channels, 3);
  assertEquals([at(30, 3), at(5, 30)], [WHITE, WHITE]);
});

Deno.test("convertImage() says that fit none left another size", async () => {
  const native = await encode(picture().png());
  const size = { width: 1024, height: 640 };
  const conversion = await convert(native, { size, fit: "none" });
  assertStrictEquals(conversion.bytes, native);
  assertEquals(conversion.resize, { fit: "none", scale: 1, method: "none" });
  assertEquals(conversion.warnings, [
    'Asked for 1024x640, delivered 24x16 as made, because fit is "none"',
  ]);
});

Deno.test("convertImage() says that it scaled up more than twice", async () => {
  const native = await encode(picture({ width: 167, height: 94 }).png());
  const conversion = await convert(native, {
    size: { width: 384, height: 216 },
  });
  assertEquals(conversion.resize, {
    fit: "cover",
    scale: 2.299,
    method: "bicubic",
  });
  assertEquals(conversion.warnings, [
    "Scaled up 2.3 times: Codex made 167x94, and 384x216 was asked for",
  ]);
});

Deno.test("convertImage() scales up twice without a word", async () => {
  const native = await encode(picture().png());
  const conversion = await convert(native, { size: { width: 48, height: 32 } });
  assertEquals(conversion.resize, {
    fit: "cover",
    scale: 2,
    method: "bicubic",
  });
  assertEquals(conversion.warnings, []);
});

Deno.test("convertImage() enlarges a single pixel", async () => {
  const native = await encode(picture({ width: 1, height: 1 }).png());
  for (const fit of ["cover", "contain"] as const) {
    const size = { width: 64, height: 40 };
    const { width, height } = await convert(native, { size, fit });
    assertEquals({ width, height }, size);
  }
});

Deno.test("convertImage() puts a picture on white that has to be opaque", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const conversion = await convert(native, { background: "opaque" });
  const { at, info } = await pixelsOf(conversion);
  assertEquals(info.channels, 3);
  assertEquals([at(5, 5), at(25, 5)], [WHITE, GREEN]);
  assertEquals([conversion.converted, conversion.transparent], [true, false]);
  assertEquals(conversion.warnings, [
    'Put on white: Codex made the picture with transparent parts, and background is "opaque"',
  ]);
});

Deno.test("convertImage() puts a transparent picture on white for JPEG", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255]]);
  const conversion = await convert(native, { format: "jpeg" });
  const { at } = await pixelsOf(conversion);
  assertNear(at(5, 5), WHITE);
  assertNear(at(25, 5), GREEN);
  assertEquals(conversion.transparent, false);
  assertEquals(conversion.warnings, [
    "Put on white: Codex made the picture with transparent parts, and JPEG has no transparency",
  ]);
});

Deno.test("convertImage() drops an alpha channel that shows nothing without a word", async () => {
  const native = await encode(picture({ alpha: 0.99 }).png());
  const conversion = await convert(native, { format: "jpeg" });
  assertEquals(conversion.warnings, []);
});

Deno.test("convertImage() keeps the alpha channel as it is in a lossy WebP", async () => {
  const alphas = Array.from({ length: 30 }, (_, index) => 7 * index);
  const native = await bands(alphas.map((alpha) => [...RED, alpha]));
  const conversion = await convert(native, { format: "webp", compression: 5 });
  const { at } = await pixelsOf(conversion);
  assertEquals(alphas.map((_, index) => at(index, 9)[3]), alphas);
  assertEquals(conversion.transparent, true);
});

Deno.test("convertImage() says that a transparent background was asked for in vain", async () => {
  const warnings = [
    "Asked for a transparent background, and the delivered picture has none",
  ];
  for (const native of [picture().png(), picture({ alpha: 0.99 }).png()]) {
    const request = { background: "transparent" } as const;
    const conversion = await convert(await encode(native), request);
    assertEquals(conversion.transparent, false);
    assertEquals(conversion.warnings, warnings);
  }
});

Deno.test("convertImage() measures transparency after the crop", async () => {
  const native = await bands([[...RED, 0], [...GREEN, 255], [...BLUE, 0]]);
  assertEquals((await convert(native, {})).transparent, true);
  const size = { width: 10, height: 20 };
  assertEquals((await convert(native, { size })).transparent, false);
});

Deno.test("convertImage() writes smaller files for less quality", async () => {
  const native = await encode(picture({ width: 100, height: 80 }).png());
  for (const format of ["jpeg", "webp"] as const) {
    const sizes = [];
    for (const compression of [0, 50, 90, 100]) {
      sizes.push((await convert(native, { format, compression })).bytes.length);
    }
    assertEquals(sizes, sizes.toSorted((a, b) => a - b));
    assertEquals(new Set(sizes).size, 4);
    const { bytes } = await convert(native, { format });
    assertEquals(bytes.length, sizes[2]);
  }
});

Deno.test("convertImage() writes a JPEG again where its quality is asked for", async () => {
  const native = await encode(picture().jpeg({ quality: 100 }));
  const request = { format: "jpeg", compression: 20 } as const;
  const conversion = await convert(native, request);
  assertEquals(conversion.converted, true);
  assertLess(conversion.bytes.length, native.length);
});

// The letters tell where the four quarters of the stored picture are shown.
const SHOWN = ["ABCD", "BADC", "DCBA", "CDAB", "ACBD", "CADB", "DBCA", "BDAC"];
for (const [index, shown] of SHOWN.entries()) {
  const orientation = index + 1;
  Deno.test(`convertImage() turns a picture with EXIF orientation ${orientation} once`, async () => {
    const native = await quarters(orientation);
    const [width, height] = orientation < 5 ? [80, 40] : [40, 80];
    const size = { width, height };
    const conversion = await convert(native, { size });
    assertEquals(conversion.resize?.scale, 2);
    assertEquals(conversion.nativeWidth, width / 2);
    const { at, info } = await pixelsOf(conversion);
    assertEquals([info.width, info.height], [width, height]);
    const colours = { A: RED, B: GREEN, C: BLUE, D: WHITE };
    const seen = [[1, 1], [3, 1], [1, 3], [3, 3]].map(([x, y]) => {
      const pixel = at(x * width / 4, y * height / 4);
      return Object.entries(colours).find(([, colour]) =>
        colour.every((value, channel) => value === pixel[channel])
      )?.[0];
    });
    assertEquals(seen.join(""), shown);
    const metadata = await sharp(conversion.bytes).metadata();
    assertEquals(metadata.orientation ?? 1, 1);
  });
}

Deno.test("convertImage() leaves the EXIF orientation of a picture that needs nothing", async () => {
  const native = await quarters(6);
  const conversion = await convert(native, { size: { width: 20, height: 40 } });
  assertStrictEquals(conversion.bytes, native);
  assertEquals([conversion.width, conversion.height], [20, 40]);
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
  Deno.test(`convertImage() refuses ${kind}`, async () => {
    const error = await assertRejects(() => convert(native, {}), ImageError);
    assert(/^(?:cannot be|is not) [^\n]+$/.test(error.message), error.message);
  });
}

Deno.test("convertImage() refuses more than 100 million pixels unseen", async () => {
  const data = deflateSync(new Uint8Array(1000));
  await assertRejects(
    () => convert(whole(pngHeader(10_001, 10_000), data), {}),
    ImageError,
    "exceeds pixel limit",
  );
});

Deno.test("convertImage() refuses what the format cannot hold", async () => {
  const native = await encode(picture({ width: 16_400, height: 1 }).png());
  await assertRejects(
    () => convert(native, { format: "webp" }),
    ImageError,
    "too large for the WebP format",
  );
});

Deno.test("convertImage() waits for no single piece of other work", async () => {
  const native = await encode(picture().png());
  const slow = Promise.withResolvers<void>();
  const other = withImageSlot(() => slow.promise);
  const { mimeType } = await convert(native, { format: "jpeg" });
  assertEquals(mimeType, "image/jpeg");
  slow.resolve();
  await other;
});

const MADE = { width: 1672, height: 941 };
const WANTED = { width: 3840, height: 2160 };

Deno.test("planResize() covers by the larger of the two ratios", () => {
  assertEquals(planResize(MADE, { size: WANTED, fit: "cover" }), {
    fit: "cover",
    scale: 3840 / 1672,
    method: "bicubic",
  });
});

Deno.test("planResize() contains by the smaller of the two ratios", () => {
  assertEquals(planResize(MADE, { size: WANTED, fit: "contain" }), {
    fit: "contain",
    scale: 2160 / 941,
    method: "bicubic",
  });
});

Deno.test("planResize() does not scale where nothing is to be done about another size", () => {
  assertEquals(planResize(MADE, { size: WANTED, fit: "none" }), {
    fit: "none",
    scale: 1,
    method: "none",
  });
});

for (const fit of ["cover", "contain", "none"] as const) {
  Deno.test(`planResize() has nothing to do for "${fit}" where the size is right or none is wanted`, () => {
    assertEquals(planResize(MADE, { size: { ...MADE }, fit }), null);
    assertEquals(planResize(MADE, { size: undefined, fit }), null);
  });

  Deno.test(`planResize() sees for "${fit}" that only one edge differs`, () => {
    const wider = { width: 1673, height: 941 };
    const higher = { width: 1672, height: 942 };
    for (const size of [wider, higher]) {
      assertEquals(planResize(MADE, { size, fit })?.fit, fit);
    }
  });
}

function convert(
  native: Bytes,
  request: Partial<ConversionRequest>,
): Promise<Conversion> {
  return convertImage(native, { ...REQUEST, ...request });
}

/** Decodes what was delivered. */
async function pixelsOf({ bytes }: Conversion) {
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

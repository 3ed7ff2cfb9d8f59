import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import sharp from "sharp";
import {
  isOpaque,
  isTransparent,
  measureAlpha,
  readHeader,
  withImageSlot,
} from "../../src/images/pixels.ts";
import { ImageError } from "../../src/images/format.ts";
import { type Bytes, concat, encode, picture } from "./samples.ts";

const BLOCKED: Readonly<Record<string, Bytes>> = {
  SVG: concat(
    "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
  ),
  GIF: await encode(picture().gif()),
  TIFF: await encode(picture().tiff()),
  AVIF: await encode(picture().avif({ effort: 0 })),
  PDF: concat("%PDF-1.7\n"),
  PPM: concat("P6 1 1 255\n", [1, 2, 3]),
};

Deno.test("measureAlpha() finds 255 everywhere without an alpha channel", async () => {
  for (const format of ["png", "jpeg", "webp"] as const) {
    const alpha = await measureAlpha(await encode(picture().toFormat(format)));
    assertEquals(alpha, { lowest: 255, transparentShare: 0 });
  }
});

Deno.test("measureAlpha() counts the pixels below 128", async () => {
  const bytes = await encode(withAlphas([0, 127, 128, 129, 200, 254, 255, 90]));
  assertEquals(await measureAlpha(bytes), {
    lowest: 0,
    transparentShare: 3 / 8,
  });
});

Deno.test("measureAlpha() reads grey, palette and 16-bit pictures", async () => {
  const half = withAlphas([64, 255]);
  const kinds = {
    grey: half.clone().toColourspace("b-w").png(),
    palette: half.clone().png({ palette: true }),
    sixteenBits: half.clone().toColourspace("rgb16").png(),
    webp: half.clone().webp({ lossless: true }),
  };
  for (const [kind, image] of Object.entries(kinds)) {
    const alpha = await measureAlpha(await encode(image));
    assertEquals([kind, alpha], [kind, { lowest: 64, transparentShare: 0.5 }]);
  }
});

Deno.test("measureAlpha() refuses a picture whose data is damaged", async () => {
  const bytes = await encode(picture({ width: 200, height: 200 }).png());
  await assertRejects(
    () => measureAlpha(bytes.slice(0, bytes.length / 2)),
    ImageError,
    "cannot be decoded",
  );
});

Deno.test("isTransparent() begins at half a percent", () => {
  assertEquals(isTransparent({ lowest: 0, transparentShare: 0.0049 }), false);
  assertEquals(isTransparent({ lowest: 0, transparentShare: 0.005 }), true);
});

Deno.test("isTransparent() takes solid parts of Codex for opaque", async () => {
  const alpha = await measureAlpha(await solidOfCodex());
  assertEquals(isTransparent(alpha), false);
  assertEquals(isOpaque(alpha), true);
});

Deno.test("isOpaque() ends below an alpha of 250", () => {
  assertEquals(isOpaque({ lowest: 250, transparentShare: 0 }), true);
  assertEquals(isOpaque({ lowest: 249, transparentShare: 0 }), false);
});

Deno.test("withImageSlot() runs two pieces of work at once, the others in order", async () => {
  const started: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all([0, 1, 2, 3, 4].map((index) =>
    withImageSlot(async () => {
      started.push(index);
      most = Math.max(most, ++running);
      await delay(0);
      running--;
    })
  ));
  assertEquals(started, [0, 1, 2, 3, 4]);
  assertEquals(most, 2);
});

Deno.test("withImageSlot() gives the slot on when work fails", async () => {
  const failing = [1, 2, 3].map(() =>
    withImageSlot(() => Promise.reject(new RangeError("no")))
  );
  const next = withImageSlot(() => Promise.resolve("done"));
  for (const work of failing) await assertRejects(() => work, RangeError, "no");
  assertEquals(await next, "done");
});

for (const [kind, bytes] of Object.entries(BLOCKED)) {
  Deno.test(`readHeader() refuses ${kind}`, async () => {
    await assertRejects(() => readHeader(bytes), ImageError);
  });
}

function solidOfCodex(): Promise<Bytes> {
  return encode(withAlphas([251, 252, 253, 254]));
}

/** Draws one row of blue pixels with these alphas. */
function withAlphas(alphas: number[]) {
  const pixels = new Uint8Array(
    alphas.flatMap((alpha) => [10, 20, 200, alpha]),
  );
  return sharp(pixels, {
    raw: { width: alphas.length, height: 1, channels: 4 },
  }).png();
}

import { assert, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ImageError } from "../../src/images/format.ts";
import { parseSidecar } from "../../src/images/sidecar.ts";
import { encode, picture, probe } from "../images/samples.ts";
import { damaged } from "./arbitraries.ts";

const SAMPLES = {
  PNG: [
    await encode(picture().png()),
    await encode(picture({ alpha: 0.5 }).png({ palette: true })),
  ],
  JPEG: [
    await encode(picture().jpeg()),
    await encode(picture().jpeg({ progressive: true }).withMetadata()),
  ],
  WebP: [
    await encode(picture().webp()),
    await encode(picture({ alpha: 0.5 }).webp({ lossless: true })),
  ],
};

for (const [format, samples] of Object.entries(SAMPLES)) {
  Deno.test(`probeImage() tells of a damaged ${format} or refuses it`, async () => {
    await fc.assert(
      fc.asyncProperty(damaged(samples), async (bytes) => {
        try {
          const { height, width } = await probe(bytes);
          assert(width > 0 && height > 0);
          assert(width * height <= 100_000_000);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });
}

Deno.test("probeImage() refuses any other bytes", async () => {
  const signature = fc.constantFrom(
    [],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    [0xff, 0xd8, 0xff],
    [...new TextEncoder().encode("RIFF\x20\0\0\0WEBPVP8 ")],
  );
  await fc.assert(
    fc.asyncProperty(signature, fc.uint8Array(), async (beginning, rest) => {
      const bytes = new Uint8Array([...beginning, ...rest]);
      const error = await probe(bytes).catch((error) => error);
      assert(error instanceof ImageError);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("probeImage() takes no PNG that lost a part of its end", async () => {
  const [png] = SAMPLES.PNG;
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: png.length - 1 }), async (length) => {
      const part = png.slice(0, length);
      await assertRejects(() => probe(part), ImageError);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("parseSidecar() makes nothing of other texts", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), fc.string(), (text, id) => {
      assert(parseSidecar(text, id) === undefined);
    }),
    { numRuns: 2_000 },
  );
});

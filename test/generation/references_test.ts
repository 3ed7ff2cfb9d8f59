import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import type { UploadedReference } from "../../src/api/references.ts";
import { ApiError } from "../../src/errors.ts";
import { placeReferences } from "../../src/generation/references.ts";
import { ImageStore } from "../../src/images/store.ts";
import { newImage } from "../images/new_images.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
  webp,
  webpChunk,
} from "../images/samples.ts";

const EXPECTED =
  "expected a whole PNG, JPEG or WebP image of at most 52,428,800 bytes and 100,000,000 pixels";
const PNG = await encode(picture().png());

/** Pictures that are used as they are: the extension, the size as shown, the bytes. */
const GOOD: Readonly<
  Record<string, readonly ["png" | "jpeg" | "webp", string, Bytes]>
> = {
  "a PNG": ["png", "24x16", PNG],
  "a PNG with alpha": [
    "png",
    "24x16",
    await encode(picture({ alpha: 0.5 }).png()),
  ],
  "a PNG of 16 bits": [
    "png",
    "24x16",
    await encode(picture().toColourspace("rgb16").png()),
  ],
  "a palette PNG": [
    "png",
    "24x16",
    await encode(picture().png({ palette: true })),
  ],
  "an interlaced PNG": [
    "png",
    "24x16",
    await encode(picture().png({ progressive: true })),
  ],
  "a JPEG": ["jpeg", "24x16", await encode(picture().jpeg())],
  "a CMYK JPEG": [
    "jpeg",
    "24x16",
    await encode(picture().toColourspace("cmyk").jpeg()),
  ],
  "a grey progressive JPEG": [
    "jpeg",
    "24x16",
    await encode(picture().greyscale().jpeg({ progressive: true })),
  ],
  "a JPEG that is turned, with a colour profile": [
    "jpeg",
    "16x24",
    await encode(
      picture().withMetadata({ orientation: 6 }).withIccProfile("p3").jpeg(),
    ),
  ],
  "a WebP": ["webp", "24x16", await encode(picture().webp())],
  "a lossless WebP with alpha": [
    "webp",
    "24x16",
    await encode(picture({ alpha: 0 }).webp({ lossless: true })),
  ],
};

/** Files that are refused, and why. */
const BAD: Readonly<Record<string, readonly [state: string, bytes: Bytes]>> = {
  "text": ["is not a PNG, JPEG or WebP file", concat("hello")],
  "a web page": [
    "is not a PNG, JPEG or WebP file (it begins like HTML)",
    concat("<!doctype html>"),
  ],
  "a GIF": [
    "is not a PNG, JPEG or WebP file (it begins like GIF)",
    await encode(picture().gif()),
  ],
  "an animated PNG": [
    "is an animation, and not one still picture",
    concat(
      PNG.slice(0, 33),
      pngChunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]),
      PNG.slice(33),
    ),
  ],
  "an animated WebP": [
    "is an animation, and not one still picture",
    await encode(
      sharp([PNG, await encode(picture().negate().png())], {
        join: { animated: true },
      }).webp(),
    ),
  ],
  "a PNG that is cut off": [
    "is truncated: the IEND chunk is missing",
    PNG.slice(0, -12),
  ],
  "a PNG that declares too many pixels": [
    "declares 60000x60000 pixels, more than the 100000000 allowed",
    concat(
      PNG_SIGNATURE,
      pngHeader(60_000, 60_000),
      pngChunk("IDAT", [120, 156, 3, 0, 0, 0, 0, 1]),
      pngChunk("IEND"),
    ),
  ],
  "a WebP that declares too many pixels": [
    "declares 16383x16383 pixels, more than the 100000000 allowed",
    webp(webpChunk("VP8L", [47, 0xfe, 0xbf, 0xff, 0x0f])),
  ],
  "a JPEG that declares too many pixels": [
    "declares 60000x60000 pixels, more than the 100000000 allowed",
    withFrame(await encode(picture().jpeg()), 60_000),
  ],
};

for (const [what, [extension, size, bytes]] of Object.entries(GOOD)) {
  Deno.test(`placeReferences() takes ${what} byte for byte`, async () => {
    await using place = await openPlace();
    const source = await place.source(bytes, { label: "图层" });
    const [reference, ...more] = await placeReferences([source], place);
    const { path, width, height, ...rest } = reference;
    assertEquals(more, []);
    assertEquals(await Deno.readFile(path), bytes);
    assertEquals(`${width}x${height}`, size);
    assert(path.startsWith(`${place.directory}/reference-1-`), path);
    assert(path.endsWith(`.${extension}`), path);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o400);
    assertEquals(rest, {
      label: "图层",
      sha256: await sha256(bytes),
      bytes: bytes.length,
    });
  });
}

for (const [what, [state, bytes]] of Object.entries(BAD)) {
  Deno.test(`placeReferences() refuses ${what}`, async () => {
    await using place = await openPlace();
    const sources = [
      await place.source(PNG),
      await place.source(bytes, { param: "reference[1]" }),
    ];
    const failure = await assertRejects(
      () => placeReferences(sources, place),
      ApiError,
    );
    assertEquals(
      [failure.code, failure.param],
      ["invalid_reference", "reference[1]"],
    );
    assertEquals(
      failure.message,
      `Cannot use reference[1]: it ${state}; ${EXPECTED}`,
    );
  });
}

Deno.test("placeReferences() moves an upload instead of copying it", async () => {
  await using place = await openPlace();
  const source = await place.source(PNG);
  const before = await Deno.stat(source.path);
  const [{ path }] = await placeReferences([source], place);
  assertEquals((await Deno.stat(path)).ino, before.ino);
  await assertRejects(() => Deno.stat(source.path), Deno.errors.NotFound);
});

Deno.test("placeReferences() refuses the reference with which there are too many pixels", async () => {
  await using place = await openPlace();
  const sources = await Promise.all(
    [0, 1, 2].map((index) => place.source(PNG, { param: `image[${index}]` })),
  );
  const failure = await assertRejects(
    () => placeReferences(sources, place),
    ApiError,
  );
  assertEquals([failure.code, failure.param], [
    "invalid_reference",
    "image[2]",
  ]);
  assertEquals(
    failure.message,
    "Cannot use image[2]: with it the references have 1,152 pixels; expected at most 768 in one request, so send fewer or smaller images or set CODEX_IMAGE_SERVER_MAX_REQUEST_PIXELS",
  );
});

Deno.test("placeReferences() keeps the order", async () => {
  await using place = await openPlace();
  const sources = await Promise.all(
    [0, 1].map((index) => place.source(PNG, { label: `${index}` })),
  );
  const references = await placeReferences(sources, place);
  assertEquals(references.map(({ label }) => label), ["0", "1"]);
  for (const [index, { path }] of references.entries()) {
    assertStringIncludes(path, `/reference-${index + 1}-`);
  }
});

Deno.test("placeReferences() makes no directory where there is nothing to write", async () => {
  await using place = await openPlace();
  assertEquals(await placeReferences([], place), []);
  await assertRejects(() => Deno.stat(place.directory), Deno.errors.NotFound);
});

Deno.test("placeReferences() copies a stored picture as Codex wrote it", async () => {
  await using place = await openPlace();
  const image = newImage("delivered", { original: "" });
  const original = { bytes: PNG, mimeType: "image/png" as const };
  const { sidecar } = await place.store.save({ ...image, original });
  const source = { param: "references[0].id", label: "fox", id: sidecar.id };
  const [{ path, ...reference }] = await placeReferences([source], place);
  assertEquals(await Deno.readFile(path), PNG);
  assertEquals(reference, {
    label: "fox",
    id: sidecar.id,
    sha256: await sha256(PNG),
    bytes: PNG.length,
    width: 24,
    height: 16,
  });
  assert(await place.store.remove(sidecar.id));
  assertEquals(await Deno.readFile(path), PNG);
});

Deno.test("placeReferences() says which stored picture there is not", async () => {
  await using place = await openPlace();
  const id = "codex-../../etc/passwd";
  const failure = await assertRejects(
    () =>
      placeReferences(
        [{ param: "references[3].id", label: undefined, id }],
        place,
      ),
    ApiError,
  );
  assertEquals([failure.code, failure.param, failure.message], [
    "invalid_reference",
    "references[3].id",
    `Cannot use references[3].id "${id}": no such picture is stored; expected an id that GET /v1/images tells, or send the file itself as image`,
  ]);
});

/** A directory for references, beside their uploads and a store. */
async function openPlace() {
  const parent = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  return {
    directory: join(parent, "references"),
    store: await ImageStore.open({
      directory: join(parent, "store"),
      instance: "test",
    }),
    maxRequestPixels: 2 * 24 * 16,
    /** Makes a reference as it comes with a request. */
    source: async (
      bytes: Bytes,
      { label, param = "reference[0]" }: {
        readonly label?: string;
        readonly param?: string;
      } = {},
    ): Promise<UploadedReference> => {
      const path = join(parent, crypto.randomUUID());
      await Deno.writeFile(path, bytes, { mode: 0o600 });
      return {
        param,
        label,
        source: undefined,
        path,
        bytes: bytes.length,
        sha256: await sha256(bytes),
      };
    },
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
}

/** Lets the frame header of a JPEG declare another size. */
function withFrame(jpeg: Bytes, edge: number): Bytes {
  const start = jpeg.findIndex((byte, index) =>
    byte === 0xff && jpeg[index + 1] === 0xc0
  );
  const changed = jpeg.slice();
  const view = new DataView(changed.buffer);
  view.setUint16(start + 5, edge);
  view.setUint16(start + 7, edge);
  return changed;
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

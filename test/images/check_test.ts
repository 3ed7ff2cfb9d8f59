import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { checkPicture } from "../../src/images/check.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
} from "./samples.ts";

/** A file that can be written again and again. */
async function openScrap(): Promise<
  AsyncDisposable & {
    readonly path: string;
    /** Says what is wrong with a file of these bytes. */
    check(bytes: Bytes): Promise<string | undefined>;
  }
> {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const path = join(directory, "scrap.png");
  return {
    path,
    check: async (bytes) => {
      await Deno.writeFile(path, bytes);
      return await checkPicture(path);
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test("checkPicture() objects at every byte of a write but the last", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let length = 0; length < bytes.length; length++) {
    assertMatch(`${await scrap.check(bytes.slice(0, length))}`, /^is /);
  }
  assertEquals(await scrap.check(bytes), undefined);
});

Deno.test("checkPicture() is not taken in by a picture within the picture", async () => {
  await using scrap = await openScrap();
  const inner = await encode(picture({ width: 3, height: 3 }).png());
  const bytes = concat(
    PNG_SIGNATURE,
    pngHeader(2, 2),
    pngChunk("caBX", inner),
    pngChunk("IDAT", [1, 2, 3]),
    pngChunk("IEND"),
  );
  const innerEnd = PNG_SIGNATURE.length + 25 + 8 + inner.length;
  assertEquals(bytes.slice(innerEnd - 8, innerEnd - 4), concat("IEND"));
  assertMatch(`${await scrap.check(bytes.slice(0, innerEnd))}`, /truncated/);
  assertEquals(await scrap.check(bytes), undefined);
});

Deno.test("checkPicture() objects while the place of the file is taken and not filled", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  const endFirst = new Uint8Array(bytes.length);
  endFirst.set(bytes.subarray(-20), bytes.length - 20);
  assertEquals(typeof await scrap.check(endFirst), "string");
  endFirst.set(bytes.subarray(0, -60));
  assertEquals(typeof await scrap.check(endFirst), "string");
});

Deno.test("checkPicture() objects to another kind of file with the end of a PNG", async () => {
  await using scrap = await openScrap();
  const bytes = concat("<html>", pngChunk("IEND"));
  assertEquals(typeof await scrap.check(bytes), "string");
});

Deno.test("checkPicture() follows a file that grows in place", async () => {
  await using scrap = await openScrap();
  const bytes = await encode(picture({ width: 400, height: 300 }).png());
  using writer = await Deno.open(scrap.path, { write: true, create: true });
  const answers = [];
  for (let at = 0; at < bytes.length; at += 65_536) {
    await writeAll(writer, bytes.subarray(at, at + 65_536));
    answers.push(await checkPicture(scrap.path));
  }
  assertEquals(answers.length > 4, true);
  assertEquals(answers.pop(), undefined);
  assertEquals(answers.includes(undefined), false);
});

Deno.test("checkPicture() tells of a file that is gone", async () => {
  await assertRejects(() => checkPicture("/nowhere"), Deno.errors.NotFound);
});

async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}

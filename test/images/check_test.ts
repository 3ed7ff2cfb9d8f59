import { assertEquals } from "@std/assert";
import type { ByteSource } from "../../src/images/source.ts";
import { bytesSource, fileSource } from "../../src/images/source.ts";
import { isWholePng } from "../../src/images/whole_png.ts";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
} from "./samples.ts";

Deno.test("isWholePng() is false at every byte of a write but the last", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  for (let length = 0; length <= bytes.length; length++) {
    assertEquals(
      await isWholePng(bytesSource(bytes.slice(0, length))),
      length === bytes.length,
      `${length} of ${bytes.length} bytes`,
    );
  }
});

Deno.test("isWholePng() is not taken in by a picture within the picture", async () => {
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
  assertEquals(await isWholePng(bytesSource(bytes.slice(0, innerEnd))), false);
  assertEquals(await isWholePng(bytesSource(bytes)), true);
});

Deno.test("isWholePng() is false while the place of the file is taken and not filled", async () => {
  const bytes = await encode(picture({ width: 5, height: 5 }).png());
  const endFirst = new Uint8Array(bytes.length);
  endFirst.set(bytes.subarray(-20), bytes.length - 20);
  assertEquals(await isWholePng(bytesSource(endFirst)), false);
  endFirst.set(bytes.subarray(0, -60));
  assertEquals(await isWholePng(bytesSource(endFirst)), false);
});

Deno.test("isWholePng() is false for another kind of file with the end of a PNG", async () => {
  for (const other of [concat("<html>"), await encode(picture().jpeg())]) {
    const bytes = concat(other, pngChunk("IEND"));
    assertEquals(await isWholePng(bytesSource(bytes)), false);
  }
});

Deno.test("isWholePng() follows a file that grows in place", async () => {
  const bytes = await encode(picture({ width: 400, height: 300 }).png());
  const path = await Deno.makeTempFile();
  using writer = await Deno.open(path, { write: true, truncate: true });
  using reader = await Deno.open(path);
  await Deno.remove(path);
  const answers = [];
  for (let at = 0; at < bytes.length; at += 65_536) {
    await writeAll(writer, bytes.subarray(at, at + 65_536));
    const { size } = await reader.stat();
    answers.push(await isWholePng(fileSource(reader, size)));
  }
  assertEquals(answers.length > 4, true);
  assertEquals(answers.pop(), true);
  assertEquals(answers.includes(true), false);
});

Deno.test("isWholePng() reads only the end of a file that is not whole", async () => {
  const bytes = await encode(picture().png());
  const lengths: number[] = [];
  const source = bytesSource(bytes.slice(0, -1));
  const counting: ByteSource = {
    size: source.size,
    read(offset, length) {
      lengths.push(length);
      return source.read(offset, length);
    },
  };
  assertEquals(await isWholePng(counting), false);
  assertEquals(lengths, [12]);
});

async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}

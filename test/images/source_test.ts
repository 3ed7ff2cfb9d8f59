import { assertEquals, assertRejects } from "@std/assert";
import { ImageError } from "../../src/images/info.ts";
import {
  BLOCK_BYTES,
  bytesSource,
  fileSource,
  readView,
} from "../../src/images/source.ts";

const SIZE = 2 * BLOCK_BYTES + 100;

Deno.test("bytesSource() reads what is there and no more", async () => {
  const source = bytesSource(new Uint8Array([1, 2, 3, 4]));
  assertEquals(source.size, 4);
  assertEquals(await source.read(1, 2), new Uint8Array([2, 3]));
  assertEquals(await source.read(3, 9), new Uint8Array([4]));
  assertEquals(await source.read(9, 1), new Uint8Array(0));
});

Deno.test("fileSource() reads the same bytes as memory holds, in any order", async () => {
  const bytes = numbered(SIZE);
  await using file = await tempFile(bytes);
  const source = fileSource(file.handle, SIZE);
  const reads = [
    [0, 8],
    [BLOCK_BYTES - 4, 8],
    [SIZE - 12, 12],
    [SIZE - 12, 100],
    [3, BLOCK_BYTES],
    [10, SIZE],
    [BLOCK_BYTES, 1],
    [0, 1],
    [SIZE, 1],
    [SIZE + 5, 1],
  ];
  for (const [offset, length] of reads) {
    assertEquals(
      await source.read(offset, length),
      bytes.subarray(offset, offset + length),
      `${length} bytes at ${offset}`,
    );
  }
});

Deno.test("fileSource() does not read beyond the size that it was given", async () => {
  await using file = await tempFile(numbered(100));
  const source = fileSource(file.handle, 60);
  assertEquals((await source.read(50, 20)).length, 10);
});

Deno.test("fileSource() does not load a large file", async () => {
  await using file = await tempFile(numbered(SIZE));
  const source = fileSource(file.handle, SIZE);
  await source.read(0, 8);
  await source.read(100, 8);
  const position = await file.handle.seek(0, Deno.SeekMode.Current);
  assertEquals(position, BLOCK_BYTES);
});

Deno.test("fileSource() reads less when the file has become shorter", async () => {
  await using file = await tempFile(numbered(100));
  const source = fileSource(file.handle, 100);
  await Deno.truncate(file.path, 30);
  assertEquals((await source.read(20, 20)).length, 10);
});

Deno.test("readView() refuses a range that is not all there", async () => {
  const source = bytesSource(new Uint8Array(10));
  await assertRejects(
    () => readView(source, { offset: 8, length: 4 }),
    ImageError,
    "is truncated: it ends after 10 bytes",
  );
});

Deno.test("readView() begins at the offset", async () => {
  const source = bytesSource(numbered(10));
  const view = await readView(source, { offset: 3, length: 2 });
  assertEquals([view.byteLength, view.getUint8(0)], [2, 3]);
});

function numbered(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, index) => index % 251);
}

async function tempFile(bytes: Uint8Array) {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytes);
  const handle = await Deno.open(path);
  return {
    path,
    handle,
    async [Symbol.asyncDispose]() {
      handle.close();
      await Deno.remove(path);
    },
  };
}

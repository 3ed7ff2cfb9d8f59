import { assertEquals } from "@std/assert";
import { base64Chunks } from "../../src/openai/response.ts";

Deno.test("base64Chunks() encodes bytes however they are cut", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(1000));
  for (const length of [1, 2, 3, 7, 64, 999, 1000]) {
    const texts = await Array.fromAsync(base64Chunks(cut(bytes, length)));
    assertEquals(texts.join(""), bytes.toBase64());
  }
});

Deno.test("base64Chunks() encodes nothing as nothing", async () => {
  assertEquals(
    (await Array.fromAsync(base64Chunks(cut(new Uint8Array(), 1))))
      .join(""),
    "",
  );
});

async function* cut(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let start = 0; start < bytes.length; start += length) {
    yield bytes.slice(start, start + length);
  }
}

import { assertEquals } from "@std/assert";
import { resolve } from "@std/path";
import { probe } from "../images/samples.ts";
import type { TestService } from "../support/service.ts";

/** Asserts that files of a server's directory are so many whole PNG pictures, no two of them equal. */
export async function assertDistinctPngs(
  server: TestService,
  names: readonly string[],
  count: number,
): Promise<void> {
  const paths = names.map((name) => resolve(server.place.directory, name));
  await assertDistinct(
    await Promise.all(paths.map((path) => Deno.readFile(path))),
    count,
  );
}

/** Asserts that there are so many whole PNG pictures, no two of them equal. */
export async function assertDistinct(
  pictures: readonly Uint8Array<ArrayBuffer>[],
  count: number,
): Promise<void> {
  assertEquals(pictures.length, count);
  for (const bytes of pictures) {
    // It throws where a picture is not whole.
    assertEquals((await probe(bytes)).format, "png");
  }
  const digests = await Promise.all(pictures.map(digestOf));
  assertEquals(new Set(digests).size, count);
}

/** Gives the SHA-256 digest of bytes in hexadecimal digits. */
export async function digestOf(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

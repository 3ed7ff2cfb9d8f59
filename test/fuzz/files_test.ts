import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import { HttpError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error_response.ts";
import { fileResponse } from "../../src/http/file_response.ts";
import { isImageId } from "../../src/images/sidecar.ts";
import { ImageStore } from "../../src/images/store.ts";

const TEXT = "0123456789".repeat(20);
const bound = fc.oneof(
  fc.nat({ max: 2 * TEXT.length }).map(String),
  fc.constantFrom("", "0", "-1", "99999999999999999999", "1e3", "+5"),
);
const range = fc.oneof(
  fc.tuple(fc.constantFrom("bytes=", "Bytes=", "items="), bound, bound)
    .map(([unit, first, last]) => `${unit}${first}-${last}`),
  fc.array(fc.tuple(bound, bound).map((pair) => pair.join("-")))
    .map((ranges) => `bytes=${ranges.join(", ")}`),
  fc.stringMatching(/^[!-~]{0,30}$/),
);

Deno.test("fileResponse() sends what a Range says, or all, or nothing", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, TEXT);
  await fc.assert(
    fc.asyncProperty(range, async (range) => {
      const request = new Request("http://a/", { headers: { range } });
      const response = await fileResponse(request, await Deno.open(path), {
        size: TEXT.length,
        etag: "abc",
        contentType: "text/plain",
        fileName: "a.txt",
      }).catch((error) => {
        assert(error instanceof HttpError);
        return errorResponse(error, "r");
      });
      const text = await response.text();
      const told = response.headers.get("content-range");
      if (response.status === 200) return assertEquals(text, TEXT);
      if (response.status === 416) return assertEquals(told, "bytes */200");
      assertEquals(response.status, 206);
      const [, first, last] = /^bytes (\d+)-(\d+)\/200$/.exec(told ?? "") ?? [];
      assertEquals(text, TEXT.slice(Number(first), Number(last) + 1));
      assert(text.length > 0);
    }),
    { numRuns: 3_000 },
  );
  await Deno.remove(path);
});

Deno.test("ImageStore finds nothing by an id that is none, wherever that leads", async () => {
  const directory = await Deno.makeTempDir();
  const outside = join(directory, "secret.json");
  await Deno.writeTextFile(outside, "{}");
  const store = await ImageStore.open({
    directory: join(directory, "output"),
    instance: "a",
  });
  const uuid = fc.uuid().map((uuid) => `codex-${uuid}`);
  const piece = fc.constantFrom("..", "/", "%2F", "\\", "\0", "secret", "-5");
  const id = fc.oneof(
    fc.tuple(uuid, fc.oneof(piece, fc.string())).map((parts) => parts.join("")),
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(id, async (id) => {
      assertEquals(await store.find(id), undefined);
      assertEquals(await store.remove(id), false);
      if (isImageId(id)) assert(/^codex-[0-9a-f-]{36}(?:-[1-4])?$/.test(id));
    }),
    { numRuns: 3_000 },
  );
  assertEquals(await Deno.readTextFile(outside), "{}");
  await Deno.remove(directory, { recursive: true });
});

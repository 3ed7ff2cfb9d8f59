import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { watchImages } from "../../src/library/library.ts";
import { until } from "../support/until.ts";
import { Shelf } from "./shelf.ts";

Deno.test("watchImages() tells of images that come and go, and of nothing else", async () => {
  await using shelf = await Shelf.open();
  const seen = new Set<string>();
  await using _watch = watch(shelf, (id) => {
    seen.add(id);
    return Promise.resolve();
  });
  await Deno.writeTextFile(join(shelf.outputDir, "notes.json"), "{}");
  const { path, sidecar } = await shelf.save("new");
  await until(() => seen.has(sidecar.id));
  assertEquals([...seen], [sidecar.id]);
  seen.clear();
  await Deno.remove(path);
  await until(() => seen.has(sidecar.id));
});

Deno.test("watchImages() makes one call at a time", async () => {
  await using shelf = await Shelf.open();
  const calls: string[] = [];
  const first = Promise.withResolvers<void>();
  await using _watch = watch(shelf, (id) => {
    calls.push(id);
    return first.promise;
  });
  const ids = await shelf.saveMany(2);
  await until(() => calls.length > 0);
  await shelf.saveMany(1);
  assertEquals(calls, [ids[0]]);
  first.resolve();
  await until(() => calls.includes(ids[1]));
});

/** Watches the images of a shelf until it is disposed of. */
function watch(
  { outputDir }: Shelf,
  onChange: (id: string) => Promise<void>,
): AsyncDisposable {
  const closing = new AbortController();
  const { signal } = closing;
  const watching = watchImages(outputDir, { onChange, signal });
  return {
    [Symbol.asyncDispose]: () => {
      closing.abort();
      return watching;
    },
  };
}

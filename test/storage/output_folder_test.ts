import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OutputFolder } from "../../src/storage/output_folder.ts";

Deno.test("OutputFolder.open() makes the directory", async () => {
  await using temp = await openTemp();
  assertEquals(await temp.folder.isPresent(), true);
  assertEquals((await Deno.stat(temp.folder.path)).isDirectory, true);
});

Deno.test("OutputFolder.isPresent() is false where nothing or a file is", async () => {
  await using temp = await openTemp();
  const { folder } = temp;
  await temp.moveAway();
  assertEquals(await folder.isPresent(), false);
  assertMatch(await folder.describeAbsence(), / is missing$/);
  await Deno.writeTextFile(folder.path, "");
  assertEquals(await folder.isPresent(), false);
});

Deno.test("OutputFolder.isPresent() is true for a new directory where there was nothing to lose", async () => {
  await using temp = await openTemp();
  const { folder } = temp;
  const { identity } = folder;
  await temp.moveAway();
  await Deno.mkdir(folder.path);
  assertEquals(await folder.isPresent(), true);
  assertEquals(folder.identity === identity, false);
});

Deno.test("OutputFolder.isPresent() does not take another directory for the folder, until that is back", async () => {
  await using temp = await openTemp();
  const { folder } = temp;
  await Deno.writeTextFile(join(folder.path, "a"), "");
  folder.recognizeBy(() => ["b", "a"]);
  await temp.moveAway();
  await Deno.mkdir(folder.path);
  assertEquals(await folder.isPresent(), false);
  assertStringIncludes(await folder.describeAbsence(), "another directory");
  await Deno.remove(folder.path);
  await temp.moveBack();
  assertEquals(await folder.isPresent(), true);
});

Deno.test("OutputFolder.isPresent() knows the folder again by one of its files", async () => {
  await using temp = await openTemp();
  const { folder } = temp;
  folder.recognizeBy(() => ["gone", "kept"]);
  await temp.moveAway();
  await Deno.mkdir(folder.path);
  await Deno.writeTextFile(join(folder.path, "kept"), "");
  assertEquals(await folder.isPresent(), true);
});

async function openTemp() {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const folder = await OutputFolder.open(join(directory, "deep", "output"));
  const away = join(directory, "away");
  return {
    folder,
    moveAway: () => Deno.rename(folder.path, away),
    moveBack: () => Deno.rename(away, folder.path),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

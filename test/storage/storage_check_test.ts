import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ApiError } from "../../src/errors.ts";
import { createStorageCheck, freeBytes } from "../../src/storage/free_space.ts";
import { OutputFolder } from "../../src/storage/output_folder.ts";

const HUGE = 999_999_999_999_999;

Deno.test("createStorageCheck() is content where there is room", async () => {
  const directory = await Deno.makeTempDir();
  await createStorageCheck({
    folder: await OutputFolder.open(directory),
    dataDir: directory,
    minFreeBytes: 1,
  })();
  await Deno.remove(directory);
});

Deno.test("createStorageCheck() refuses where less is free than has to be", async () => {
  const directory = await Deno.makeTempDir();
  const failure = await assertRejects(
    createStorageCheck({
      folder: await OutputFolder.open(directory),
      dataDir: directory,
      minFreeBytes: HUGE,
    }),
    ApiError,
  );
  assertEquals(failure.code, "insufficient_storage");
  assertMatch(
    failure.message,
    /^Cannot store images: \d+ MiB are free, expected 953674316 MiB at least$/,
  );
  await Deno.remove(directory);
});

Deno.test("createStorageCheck() refuses a folder that is gone, and does not make it", async () => {
  const directory = await Deno.makeTempDir();
  const outputDir = join(directory, "output");
  const folder = await OutputFolder.open(outputDir);
  await Deno.remove(outputDir);
  const failure = await assertRejects(
    createStorageCheck({ folder, dataDir: directory, minFreeBytes: 0 }),
    ApiError,
  );
  assertEquals(failure.code, "insufficient_storage");
  assertEquals(
    failure.message,
    `Cannot store images: "${outputDir}" is missing`,
  );
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

Deno.test("freeBytes() tells of the fullest file system", async () => {
  const directory = await Deno.makeTempDir();
  const free = await freeBytes(directory);
  assertEquals(free > 0, true);
  // Nothing can be written there.
  assertEquals(await freeBytes(directory, "/proc"), 0);
  await assertRejects(() => freeBytes(join(directory, "nowhere")));
  await Deno.remove(directory);
});

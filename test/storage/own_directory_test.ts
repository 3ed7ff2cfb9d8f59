import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ConfigError } from "../../src/config.ts";
import {
  ensureOwnedDirectory,
  isWritable,
} from "../../src/storage/data_dir.ts";

async function inTemporary(
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("ensureOwnedDirectory() makes a directory with its parents and its mode", async () => {
  await inTemporary(async (directory) => {
    const path = join(directory, "a", "b");
    await ensureOwnedDirectory(path, { setting: "DATA_DIR", mode: 0o700 });
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o700);
  });
});

Deno.test("ensureOwnedDirectory() leaves what is there alone", async () => {
  await inTemporary(async (directory) => {
    await Deno.chmod(directory, 0o750);
    await Deno.writeTextFile(join(directory, "kept"), "");
    await ensureOwnedDirectory(directory, { setting: "DATA_DIR", mode: 0o700 });
    assertEquals(((await Deno.stat(directory)).mode ?? 0) & 0o777, 0o750);
    assertEquals((await Deno.stat(join(directory, "kept"))).isFile, true);
  });
});

Deno.test("ensureOwnedDirectory() refuses what is no directory", async () => {
  await inTemporary(async (directory) => {
    const path = join(directory, "file");
    await Deno.writeTextFile(path, "");
    const error = await assertRejects(
      () => ensureOwnedDirectory(path, { setting: "OUTPUT_DIR" }),
      ConfigError,
    );
    const start = `Cannot use CODEX_IMAGE_SERVER_OUTPUT_DIR "${path}": `;
    assertEquals(error.message.slice(0, start.length), start);
  });
});

Deno.test("isWritable() tells a directory from a file and from nothing", async () => {
  await inTemporary(async (directory) => {
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "");
    assertEquals(await isWritable(directory), true);
    assertEquals(await isWritable(file), false);
    assertEquals(await isWritable(join(directory, "none")), false);
  });
});

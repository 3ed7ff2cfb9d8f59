import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { join } from "@std/path";
import { ConfigError } from "../../src/config.ts";
import { claimDataDir } from "../../src/storage/data_dir.ts";

Deno.test("claimDataDir() makes the directory for its owner alone", async () => {
  await using root = await tempDir();
  const dataDir = join(root.path, "deep", "data");
  using instance = await claimDataDir(dataDir);
  assertMatch(instance.id, /^[0-9a-f]{32}$/);
  const { isDirectory, mode } = await Deno.stat(dataDir);
  assertEquals(isDirectory, true);
  assertEquals((mode ?? 0) & 0o777, 0o700);
});

Deno.test("claimDataDir() gives the same name every time, and another elsewhere", async () => {
  await using root = await tempDir();
  const names: string[] = [];
  for (const name of ["a", "a", "b"]) {
    using instance = await claimDataDir(join(root.path, name));
    names.push(instance.id);
  }
  assertEquals(names[0], names[1]);
  assertNotEquals(names[0], names[2]);
});

for (const text of ["", "half a na", "F".repeat(32), "0".repeat(33), "\0\0"]) {
  Deno.test(`claimDataDir() makes a new name where the file holds ${JSON.stringify(text)}`, async () => {
    await using root = await tempDir();
    const path = join(root.path, "instance");
    await Deno.writeTextFile(path, text);
    using instance = await claimDataDir(root.path);
    assertMatch(instance.id, /^[0-9a-f]{32}$/);
    assertNotEquals(instance.id, "0".repeat(32));
    assertEquals(await Deno.readTextFile(path), instance.id);
  });
}

Deno.test("claimDataDir() refuses a directory that another process holds, until that has ended", async () => {
  await using root = await tempDir();
  const script = new URL("../../src/storage/data_dir.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `const { claimDataDir } = await import(${JSON.stringify(script.href)});
       const held = await claimDataDir(${JSON.stringify(root.path)});
       console.log(held.id);
       await new Promise((resolve) => setTimeout(resolve, 60_000));`,
    ],
    stdout: "piped",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: id = "" } = await output.read();
  await assertRejects(
    () => claimDataDir(root.path),
    ConfigError,
    `Cannot use CODEX_IMAGE_SERVER_DATA_DIR "${root.path}"`,
  );
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
  using instance = await claimDataDir(root.path);
  assertEquals(instance.id, id.trim());
});

Deno.test("claimDataDir() refuses a file in one line that names the setting", async () => {
  await using root = await tempDir();
  const path = join(root.path, "file");
  await Deno.writeTextFile(path, "");
  const error = await assertRejects(() => claimDataDir(path), ConfigError);
  assertMatch(
    error.message,
    /^Cannot use CODEX_IMAGE_SERVER_DATA_DIR "[^\n]+$/,
  );
});

async function tempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

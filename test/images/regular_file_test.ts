import { assertEquals, assertExists, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { openRegularFile } from "../../src/images/regular_file.ts";
import { runAsAnyUser } from "../support/any_user.ts";

Deno.test("openRegularFile() opens a file at its first byte", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "file");
  await Deno.writeTextFile(path, "hello");
  const opened = await openRegularFile(path);
  assertExists(opened);
  assertEquals(opened.info.size, 5);
  assertEquals(await new Response(opened.file.readable).text(), "hello");
});

Deno.test("openRegularFile() finds nothing where nothing is", async () => {
  await using folder = await tempFolder();
  assertEquals(await openRegularFile(join(folder.path, "file")), undefined);
});

Deno.test("openRegularFile() follows no symbolic link", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "link");
  await Deno.writeTextFile(join(folder.path, "file"), "secret");
  await Deno.symlink(join(folder.path, "file"), path);
  assertEquals(await openRegularFile(path), undefined);
});

Deno.test("openRegularFile() does not wait for a FIFO", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "fifo");
  await new Deno.Command("mkfifo", { args: [path] }).output();
  assertEquals((await Deno.lstat(path)).isFifo, true);
  assertEquals(await openRegularFile(path), undefined);
});

Deno.test("openRegularFile() finds nothing where it may not read", async () => {
  await using folder = await tempFolder();
  const [open, closed] = ["open", "closed"].map((n) => join(folder.path, n));
  for (const path of [open, closed]) await Deno.writeTextFile(path, "hello");
  await Deno.chmod(closed, 0o000);
  assertEquals(
    await runAsAnyUser("test/support/file_probe.ts", open, closed),
    { [open]: true, [closed]: false },
  );
});

Deno.test("openRegularFile() refuses a directory", async () => {
  await using folder = await tempFolder();
  assertEquals(await openRegularFile(folder.path), undefined);
});

Deno.test("openRegularFile() passes on a failure that is not the file's absence", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "file");
  await Deno.writeTextFile(path, "");
  await assertRejects(() => openRegularFile(join(path, "below")), Error);
});

async function tempFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

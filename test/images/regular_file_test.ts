import { assertEquals, assertExists, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  openRegularFile,
  readSmallText,
} from "../../src/images/regular_file.ts";
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

Deno.test("openRegularFile() does not wait for a FIFO that takes the place of a file meanwhile", async () => {
  await using folder = await tempFolder();
  const [path, file, fifo] = ["path", "file", "fifo"].map((n) =>
    join(folder.path, n)
  );
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  await Deno.writeTextFile(file, "hello");
  let swapping = true;
  const swaps = (async () => {
    while (swapping) {
      for (const source of [file, fifo]) {
        await Deno.link(source, `${path}.new`);
        await Deno.rename(`${path}.new`, path);
        await Deno.remove(`${path}.new`).catch(() => {});
      }
    }
  })();
  const opened = await Promise.all(
    Array.from({ length: 2_000 }, () => openRegularFile(path)),
  );
  swapping = false;
  await swaps;
  for (const one of opened) {
    if (one !== undefined) assertEquals(one.info.size, 5);
    one?.file.close();
  }
});

Deno.test("readSmallText() reads a file that is as long as it may be, and no longer one", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "file");
  await Deno.writeTextFile(path, "hello");
  assertEquals(await readSmallText(path, 5), "hello");
  assertEquals(await readSmallText(path, 4), undefined);
});

Deno.test("readSmallText() reads no file that goes on for ever", async () => {
  // It says that it is empty.
  assertEquals(await readSmallText("/proc/self/status", 1_000_000), undefined);
});

async function tempFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { findImage, watchForImage } from "../../src/codex/image_watcher.ts";
import { exists } from "../support/exists.ts";
import { until } from "../support/until.ts";

const WHOLE = "whole";

/** A file is whole when it holds that word. */
async function check(path: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(path);
  return text === WHOLE ? undefined : `is "${text}"`;
}

interface Directory extends AsyncDisposable {
  readonly path: string;
}

async function makeDirectory(): Promise<Directory> {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(5_000);
}

Deno.test("watchForImage() makes the directory and sees a file that is written to it", async () => {
  await using made = await makeDirectory();
  const directory = join(made.path, "generated_images", "thread");
  const found = watchForImage(directory, check, deadline());
  await until(() => exists(directory));
  const path = join(directory, "call.png");
  await Deno.writeTextFile(path, WHOLE);
  assertEquals(await found, path);
});

Deno.test("watchForImage() sees a file that is there before it looks", async () => {
  await using made = await makeDirectory();
  const path = join(made.path, "call.png");
  await Deno.writeTextFile(path, WHOLE);
  assertEquals(await watchForImage(made.path, check, deadline()), path);
});

Deno.test("watchForImage() waits for a file that grows in place", async () => {
  await using made = await makeDirectory();
  const path = join(made.path, "call.png");
  const looks: (string | undefined)[] = [];
  const found = watchForImage(made.path, async (path) => {
    looks.push(await check(path));
    return looks.at(-1);
  }, deadline());
  using file = await Deno.open(path, { create: true, write: true });
  await file.write(new TextEncoder().encode("who"));
  await until(() => looks.includes('is "who"'));
  await file.write(new TextEncoder().encode("le"));
  assertEquals(await found, path);
});

Deno.test("watchForImage() sees a file that is renamed into its place", async () => {
  await using made = await makeDirectory();
  await using elsewhere = await makeDirectory();
  const found = watchForImage(made.path, check, deadline());
  const temporary = join(elsewhere.path, "call.tmp");
  await Deno.writeTextFile(temporary, WHOLE);
  const path = join(made.path, "call.png");
  await Deno.rename(temporary, path);
  assertEquals(await found, path);
});

Deno.test("watchForImage() passes over a pipe, after which the process goes on", async () => {
  await using made = await makeDirectory();
  const found = watchForImage(made.path, check, deadline());
  await new Deno.Command("mkfifo", { args: [join(made.path, "a.png")] })
    .output();
  await delay(50);
  const path = join(made.path, "call.png");
  await Deno.writeTextFile(path, WHOLE);
  assertEquals(await found, path);
  Deno.watchFs(made.path).close();
});

Deno.test("watchForImage() rejects with the signal's reason", async () => {
  await using made = await makeDirectory();
  await Deno.writeTextFile(join(made.path, "call.png"), "half");
  const stop = new AbortController();
  const found = watchForImage(made.path, check, stop.signal);
  stop.abort(new RangeError("enough"));
  await assertRejects(() => found, RangeError, "enough");
});

Deno.test("findImage() finds nothing in a directory that is missing or empty", async () => {
  await using made = await makeDirectory();
  assertEquals((await findImage(made.path, check)).whole, undefined);
  const missing = join(made.path, "missing");
  assertEquals((await findImage(missing, check)).wrong, undefined);
});

Deno.test("findImage() says what is wrong with the file that is there", async () => {
  await using made = await makeDirectory();
  await Deno.writeTextFile(join(made.path, "call.png"), "half");
  assertEquals(await findImage(made.path, check), { wrong: 'is "half"' });
});

Deno.test("findImage() finds the whole file among others", async () => {
  await using made = await makeDirectory();
  for (const name of ["a", "c"]) {
    await Deno.writeTextFile(join(made.path, name), "half");
  }
  const path = join(made.path, "b");
  await Deno.writeTextFile(path, WHOLE);
  assertEquals(await findImage(made.path, check), { whole: path });
});

Deno.test("findImage() follows no link and opens no directory", async () => {
  await using made = await makeDirectory();
  await using elsewhere = await makeDirectory();
  await Deno.writeTextFile(join(elsewhere.path, "other"), WHOLE);
  await Deno.symlink(join(elsewhere.path, "other"), join(made.path, "link"));
  await Deno.mkdir(join(made.path, "directory"));
  assertEquals((await findImage(made.path, check)).whole, undefined);
});

Deno.test("findImage() gets over a file that is gone when it is opened", async () => {
  await using made = await makeDirectory();
  for (const name of ["call.tmp", "call.png"]) {
    await Deno.writeTextFile(join(made.path, name), WHOLE);
  }
  const { whole } = await findImage(made.path, async (path) => {
    if (path.endsWith(".tmp")) await Deno.remove(path);
    return await check(path);
  });
  assertEquals(whole, join(made.path, "call.png"));
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { prepareHome } from "../../src/codex/home.ts";
import { isReadableFile } from "../../src/codex/login.ts";

interface Directories extends AsyncDisposable {
  readonly dataDir: string;
  readonly authHome: string;
  readonly home: string;
}

async function makeDirectories(): Promise<Directories> {
  const root = await Deno.makeTempDir();
  const authHome = join(root, 'the "user\'s" login');
  await Deno.mkdir(authHome);
  return {
    dataDir: join(root, "-data"),
    authHome,
    home: join(root, "-data", "codex-home"),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("prepareHome() makes a directory for its owner alone, with instructions", async () => {
  await using made = await makeDirectories();
  const home = await prepareHome(made.dataDir, made.authHome);
  assertEquals(home.path, made.home);
  assertEquals(((await Deno.stat(home.path)).mode ?? 0) & 0o777, 0o700);
  const instructions = await Deno.readTextFile(home.instructionsFile);
  assert(instructions.includes("image_gen.imagegen"));
});

Deno.test("prepareHome() links the login and copies nothing", async () => {
  await using made = await makeDirectories();
  const home = await prepareHome(made.dataDir, made.authHome);
  assertEquals(
    await Deno.readLink(home.authFile),
    join(made.authHome, "auth.json"),
  );
});

Deno.test("prepareHome() does not touch the login", async () => {
  await using made = await makeDirectories();
  const login = join(made.authHome, "auth.json");
  await Deno.writeTextFile(login, "login");
  const before = await Deno.stat(login);
  await prepareHome(made.dataDir, made.authHome);
  await prepareHome(made.dataDir, made.authHome);
  const after = await Deno.stat(login);
  assertEquals([after.ino, after.mtime], [before.ino, before.mtime]);
  assertEquals(await Deno.readTextFile(login), "login");
});

for (const kind of ["link", "file", "link to a directory"] as const) {
  Deno.test(`prepareHome() puts its link in the place of an old ${kind}`, async () => {
    await using made = await makeDirectories();
    await Deno.mkdir(made.home, { recursive: true });
    const path = join(made.home, "auth.json");
    if (kind === "file") await Deno.writeTextFile(path, "old");
    if (kind === "link") await Deno.symlink("/no/such/login", path);
    if (kind === "link to a directory") {
      await Deno.symlink(made.authHome, path);
    }
    await prepareHome(made.dataDir, made.authHome);
    assertEquals(
      await Deno.readLink(path),
      join(made.authHome, "auth.json"),
    );
    assertEquals(await Array.fromAsync(Deno.readDir(made.authHome)), []);
  });
}

Deno.test("prepareHome() removes what earlier workers left and keeps the rest", async () => {
  await using made = await makeDirectories();
  for (const name of ["generated_images", "sessions", "skills"]) {
    await Deno.mkdir(join(made.home, name, "deep"), { recursive: true });
    await Deno.writeTextFile(join(made.home, name, "deep", "file"), "words");
  }
  await prepareHome(made.dataDir, made.authHome);
  const names = await Array.fromAsync(Deno.readDir(made.home));
  assertEquals(names.map(({ name }) => name).sort(), [
    "auth.json",
    "instructions.md",
    "skills",
  ]);
});

Deno.test("prepareHome() is content with a home that is the user's own", async () => {
  await using made = await makeDirectories();
  await Deno.mkdir(made.home, { recursive: true });
  const login = join(made.home, "auth.json");
  await Deno.writeTextFile(login, "login");
  const home = await prepareHome(made.dataDir, made.home);
  assertEquals(await Deno.readTextFile(login), "login");
  assert(await isReadableFile(home.authFile));
});

Deno.test("prepareHome() says why the login cannot be linked", async () => {
  await using made = await makeDirectories();
  const tooLong = `/${"x".repeat(5000)}`;
  await assertRejects(
    () => prepareHome(made.dataDir, tooLong),
    Error,
    `Cannot link the login "${tooLong}/auth.json": `,
  );
});

Deno.test("isReadableFile() sees the login through the link as soon as it is there", async () => {
  await using made = await makeDirectories();
  const home = await prepareHome(made.dataDir, made.authHome);
  assertEquals(await isReadableFile(home.authFile), false);
  await Deno.writeTextFile(join(made.authHome, "auth.json"), "{}");
  assertEquals(await isReadableFile(home.authFile), true);
});

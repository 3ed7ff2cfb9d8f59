import { assertEquals, assertLess } from "@std/assert";
import { join } from "@std/path";
import { openPlace } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";
import { until } from "../support/until.ts";

/** What may lie at a name where a file is expected. */
const STRANGE: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  pipe: (path) => run("mkfifo", path),
  directory: (path) => Deno.mkdir(path),
  "link to itself": (path) => Deno.symlink(path, path),
  "link to a device": (path) => Deno.symlink("/dev/zero", path),
  "file without permissions": async (path) => {
    await Deno.writeTextFile(path, "{}");
    await Deno.chmod(path, 0);
  },
  "file of 700 MB": async (path) => {
    await Deno.writeTextFile(path, "{");
    await Deno.truncate(path, 700_000_000);
  },
  "deep text": (path) => Deno.writeTextFile(path, "[".repeat(900_000)),
};

Deno.test("whatever appears in the folders is passed over, while the server runs and when it starts", async () => {
  await using place = await openPlace();
  let id = "";
  {
    await using server = await spawnServer({}, place);
    id = await generate(server);
    const [socket] = await Promise.all([
      listenIn(place.outputDir),
      ...Object.values(STRANGE).flatMap((make) => [
        make(join(place.outputDir, `${newId()}.json`)),
        make(join(place.outputDir, `${newId()}.png`)),
        make(join(place.outputDir, `holiday-${crypto.randomUUID()}`)),
        make(join(place.dataDir, "jobs", `gen_${crypto.randomUUID()}.json`)),
      ]),
    ]);
    using _socket = socket;
    // The picture of a sidecar becomes a pipe.
    const second = await generate(server);
    const path = join(place.outputDir, `${second}.png`);
    await Deno.remove(path);
    await STRANGE.pipe(path);
    await until(async () => (await list(server.url)).join() === id);
    const file = await fetch(`${server.url}/v1/images/${second}/file`);
    await file.body?.cancel();
    assertEquals(file.status, 404);
    await assertEndsSoon(server);
  }
  await using server = await spawnServer({}, place);
  await until(async () => (await list(server.url)).join() === id);
  const jobs = await fetch(`${server.url}/v1/jobs`);
  assertEquals([jobs.status, (await jobs.json()).data.length], [200, 2]);
  await until(() => server.logLines("library.unusable_files").length > 0);
  const [line] = server.logLines("library.unusable_files");
  assertEquals(line.count, Object.keys(STRANGE).length + 1);
  const [unusable] = server.logLines("job.unusable_files");
  assertEquals(unusable.count, Object.keys(STRANGE).length);
  await generate(server);
  await assertEndsSoon(server);
});

Deno.test("GET /v1/images/:id/file has no thumbnail of a picture that is text", async () => {
  await using server = await spawnServer();
  const id = await generate(server);
  const path = join(server.place.outputDir, `${id}.png`);
  const { size } = await Deno.stat(path);
  await Deno.writeTextFile(path, "x".repeat(size));
  for (let time = 0; time < 2; time++) {
    const url = `${server.url}/v1/images/${id}/file?variant=thumbnail`;
    const response = await fetch(url);
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
  assertEquals(server.logLines("library.thumbnail_failed").length, 1);
});

type Server = Awaited<ReturnType<typeof spawnServer>>;

async function generate(server: Server): Promise<string> {
  const response = await server.generate({ prompt: "a fox" });
  const { data: [{ id }] } = await response.json();
  return id;
}

async function list(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v1/images`);
  const { data } = await response.json();
  return data.map(({ id }: { readonly id: string }) => id);
}

async function assertEndsSoon(server: Server): Promise<void> {
  const started = Date.now();
  server.kill("SIGTERM");
  assertEquals((await server.ended).code, 0);
  assertLess(Date.now() - started, 5_000);
}

async function listenIn(directory: string): Promise<Deno.UnixListener> {
  // The name of a socket is at most 107 bytes long where it is made, and as long as any other where it is moved to.
  const made = await Deno.makeTempDir();
  const path = join(made, "s");
  const socket = Deno.listen({ transport: "unix", path });
  await Deno.rename(path, join(directory, `${newId()}.png`));
  await Deno.remove(made);
  return socket;
}

async function run(program: string, path: string): Promise<void> {
  await new Deno.Command(program, { args: [path] }).output();
}

function newId(): string {
  return `codex-${crypto.randomUUID()}`;
}

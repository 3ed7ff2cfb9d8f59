import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { runDeno } from "../support/server_process.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** The environment in which a person has told where the server is. */
function environment(server: TestService, more = {}): Record<string, string> {
  return {
    ...server.place.environment({}),
    CODEX_IMAGE_SERVER_PUBLIC_URL: server.url,
    ...more,
  };
}

function generate(server: TestService, ...args: string[]) {
  const task = ["task", "--quiet", "generate", ...args];
  return runDeno(task, environment(server));
}

Deno.test("deno task generate saves every image under a name of its own", async () => {
  await using server = await startTestService();
  const out = join(server.place.directory, "new", "pictures");
  const words = 'a "red" fox; $(exit 7)';
  const first = await generate(server, words, "--count", "2", "--out", out);
  assertEquals(first.code, 0, first.stderr);
  const names = ["a-red-fox-exit-7-1.png", "a-red-fox-exit-7-2.png"];
  assertEquals(filesIn(out), names);
  const paths = first.stdout.trimEnd().split("\n").sort();
  assertEquals(paths, names.map((name) => join(out, name)));
  assertMatch(first.stderr, /^1 {2}Codex reads the prompt$/m);
  assertMatch(
    first.stderr,
    /^2 {2}saved as a-red-fox-exit-7-2.png \(\d+x\d+, /m,
  );
  const saved = await Deno.readFile(paths[0]);
  const stored = filesIn(server.place.outputDir)
    .filter((name) => name.endsWith("-1.png"));
  assertEquals(
    saved,
    await Deno.readFile(join(server.place.outputDir, stored[0])),
  );
});

Deno.test("deno task generate never replaces a file", async () => {
  await using server = await startTestService();
  const out = server.place.directory;
  await Deno.writeTextFile(join(out, "a-fox.png"), "mine");
  const { code, stdout, stderr } = await generate(server, "a fox", "-o", out);
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trimEnd(), join(out, "a-fox_2.png"));
  assertEquals(await Deno.readTextFile(join(out, "a-fox.png")), "mine");
});

Deno.test("deno task generate sends references as the files they are", async () => {
  await using server = await startTestService();
  const out = server.place.directory;
  const made = await generate(server, "a fox", "-o", out);
  assertEquals(made.code, 0, made.stderr);
  const path = made.stdout.trimEnd();
  const { code, stderr } = await generate(
    server,
    ...["the same fox", "--ref", path, "--size", "1K", "--aspect", "16:9"],
    ...["--format", "webp", "--out", out],
  );
  assertEquals(code, 0, stderr);
  assert(filesIn(out).includes("the-same-fox.webp"));
  const [edit] = server.place.sandbox.record.to("/v1/images/edits");
  const bytes = await Deno.readFile(path);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  assertEquals(edit.references, [new Uint8Array(digest).toHex()]);
});

Deno.test("deno task generate saves what there is when some candidates fail", async () => {
  await using server = await startTestService();
  const out = join(server.place.directory, "pictures");
  const { code, stdout, stderr } = await generate(
    server,
    ...["fox sandbox:refuse@1", "--count", "2", "--out", out],
  );
  assertEquals(code, 3);
  assertEquals(filesIn(out).length, 1);
  assertEquals(stdout.trimEnd().split("\n").length, 1);
  assertMatch(stderr, /^1 {2}failed: \w.+/m);
});

Deno.test("deno task generate says what the server says", async () => {
  await using server = await startTestService();
  const wrong = await generate(server, "a fox", "--count", "9");
  assertEquals(wrong.code, 1);
  assertEquals(
    wrong.stderr,
    "Cannot use count 9: expected a whole number from 1 to 4\n",
  );
  const refused = await generate(server, "fox sandbox:moderation");
  assertEquals(refused.code, 1);
  assertEquals(refused.stdout, "");
  const says = refused.stderr.split("\n").filter((line) =>
    line.includes("rejected by the safety system")
  );
  assertEquals(says.length, 1, refused.stderr);
});

Deno.test("deno task generate tells what to do when it cannot begin", async () => {
  await using server = await startTestService();
  const usage = await generate(server, "a fox", "--cont", "2");
  assertEquals(usage.code, 2);
  assertEquals(
    usage.stderr,
    'Cannot use "--cont": unknown option, did you mean "--count"?\n',
  );
  const missing = await generate(server, "a fox", "--ref", "/none.png");
  assertEquals(missing.code, 1);
  assertEquals(
    missing.stderr,
    'Cannot read the reference "/none.png": there is no such file\n',
  );
  const nobody = await generate(server, "a fox", "--server", "http://[::1]:1");
  assertEquals(nobody.code, 1);
  assertMatch(nobody.stderr, /^Cannot reach the server at http:.+\n$/);
  const help = await generate(server, "--help");
  assertEquals(help.code, 0);
  assertMatch(help.stdout, /--count N/);
});

Deno.test("deno task generate sends the key", async () => {
  await using server = await startTestService({ API_KEY: "secret" });
  const args = ["task", "--quiet", "generate", "fox", "-o"];
  const out = server.place.directory;
  const without = await runDeno([...args, out], environment(server));
  assertEquals(without.code, 1);
  const key = { CODEX_IMAGE_SERVER_API_KEY: "secret" };
  const with_ = await runDeno([...args, out], environment(server, key));
  assertEquals(with_.code, 0, with_.stderr);
});

Deno.test("deno task generate cancels on Ctrl-C", async () => {
  await using server = await startTestService();
  const out = join(server.place.directory, "pictures");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["task", "--quiet", "generate", "fox sandbox:hang"],
      ...["--count", "3", "--out", out],
    ],
    cwd: ROOT,
    env: environment(server),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  await server.untilDrawing(3);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  assertEquals(code, 130);
  assertMatch(new TextDecoder().decode(stderr), /^Canceled$/m);
  await server.untilIdle();
});

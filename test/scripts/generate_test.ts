import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { countWork, untilGone } from "../openai/work_count.ts";
import { runDeno } from "../support/server_process.ts";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const KEY = "secret";
const TASK = ["task", "--quiet", "generate"];

Deno.test("deno task generate", async (test) => {
  await using server = await startTestService({ API_KEY: KEY });
  const { directory, outputDir, sandbox } = server.place;
  /** The environment in which a person has told where the server is. */
  const environment = {
    ...server.place.environment({}),
    CODEX_IMAGE_SERVER_PUBLIC_URL: server.url,
    CODEX_IMAGE_SERVER_API_KEY: KEY,
  };
  const generate = (...args: string[]) =>
    runDeno([...TASK, ...args], environment);

  await test.step("saves every image under a name of its own, and what there is when some candidates fail", async () => {
    const out = join(directory, "new", "pictures");
    const words = 'a "red" fox; $(exit 7) sandbox:refuse@1';
    const { code, stdout, stderr } = await generate(
      ...[words, "--count", "3", "--out", out],
    );
    assertEquals(code, 3, stderr);
    const name = "a-red-fox-exit-7-sandbox-refuse-1";
    const names = [`${name}-2.png`, `${name}-3.png`];
    assertEquals(filesIn(out), names);
    const paths = stdout.trimEnd().split("\n").sort();
    assertEquals(paths, names.map((name) => join(out, name)));
    assertMatch(stderr, /^1 {2}failed: \w.+/m);
    assertMatch(stderr, /^2 {2}Codex reads the prompt$/m);
    assertMatch(stderr, /^3 {2}saved as a-red-fox-.+-3\.png \(\d+x\d+, /m);
    const saved = await Deno.readFile(paths[0]);
    const stored = filesIn(outputDir).filter((name) => name.endsWith("-2.png"));
    assertEquals(saved, await Deno.readFile(join(outputDir, stored[0])));
  });

  await test.step("never replaces a file, and sends references as the files they are", async () => {
    const out = join(directory, "mine");
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "a-fox.png"), "mine");
    const made = await generate("a fox", "-o", out);
    assertEquals(made.code, 0, made.stderr);
    const path = made.stdout.trimEnd();
    assertEquals(path, join(out, "a-fox_2.png"));
    assertEquals(await Deno.readTextFile(join(out, "a-fox.png")), "mine");
    const { code, stderr } = await generate(
      ...["the same fox", "--ref", path, "--size", "1K", "--aspect", "16:9"],
      ...["--format", "webp", "--out", out],
    );
    assertEquals(code, 0, stderr);
    assert(filesIn(out).includes("the-same-fox.webp"));
    const [edit] = sandbox.record.to("/v1/images/edits");
    const bytes = await Deno.readFile(path);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    assertEquals(edit.references, [new Uint8Array(digest).toHex()]);
  });

  await test.step("says what the server says", async () => {
    const wrong = await generate("a fox", "--count", "9");
    assertEquals(wrong.code, 1);
    assertEquals(
      wrong.stderr,
      "Cannot use count 9: expected a whole number from 1 to 4\n",
    );
    const refused = await generate("fox sandbox:moderation");
    assertEquals(refused.code, 1);
    assertEquals(refused.stdout, "");
    const says = refused.stderr.split("\n").filter((line) =>
      line.includes("rejected by the safety system")
    );
    assertEquals(says.length, 1, refused.stderr);
  });

  await test.step("tells what to do when it cannot begin", async () => {
    const usage = await generate("a fox", "--cont", "2");
    assertEquals(usage.code, 2);
    assertEquals(
      usage.stderr,
      'Cannot use "--cont": unknown option, did you mean "--count"?\n',
    );
    const missing = await generate("a fox", "--ref", "/none.png");
    assertEquals(missing.code, 1);
    assertEquals(
      missing.stderr,
      'Cannot read the reference "/none.png": there is no such file\n',
    );
    const nobody = await generate("a fox", "--server", "http://[::1]:1");
    assertEquals(nobody.code, 1);
    assertMatch(nobody.stderr, /^Cannot reach the server at http:.+\n$/);
    const help = await generate("--help");
    assertEquals(help.code, 0);
    assertMatch(help.stdout, /--count N/);
  });

  await test.step("sends the key", async () => {
    // Every other step has it.
    const { CODEX_IMAGE_SERVER_API_KEY: _, ...without } = environment;
    const { code, stderr } = await runDeno([...TASK, "fox"], without);
    assertEquals(code, 1);
    assertMatch(stderr, /key/);
  });

  await test.step("cancels on Ctrl-C", async () => {
    const count = countWork(server);
    const child = new Deno.Command(Deno.execPath(), {
      args: [...TASK, "fox sandbox:hang", "--count", "2", "--out", directory],
      cwd: ROOT,
      env: environment,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const ended = child.output();
    await count.untilDrawing(2);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    assertEquals(code, 130);
    assertMatch(new TextDecoder().decode(stderr), /^Canceled$/m);
    await untilGone(server);
  });
});

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { countWork, untilGone } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";
import { example, lacks, runExample, startExample } from "./programs.ts";
import { assertDistinct, assertDistinctPngs, digestOf } from "./saved.ts";

const KEY = { CODEX_IMAGE_SERVER_API_KEY: "secret" };
const DENO = [Deno.execPath(), "run", "--allow-all"];
const CURL = ["bash", example("curl.sh")];
const PYTHON = ["python3", example("generate.py")];
const SCRIPT = example("generate.mjs");
const lacksCurl = await lacks("bash") || await lacks("curl");
const lacksPython = await lacks("python3");
const RUNTIMES = [
  { name: "node", command: ["node", SCRIPT], ignore: await lacks("node") },
  { name: "deno", command: [...DENO, SCRIPT], ignore: false },
];

Deno.test("the examples that are programs", async (test) => {
  await using server = await startTestService({
    API_KEY: KEY.CODEX_IMAGE_SERVER_API_KEY,
    // Of the four pictures that most ask for one is begun, and the others wait.
    MAX_WORKERS: "1",
  });
  const { directory } = server.place;
  const step = (name: string, ignore: boolean, fn: () => Promise<void>) =>
    test.step({ name, ignore, fn });

  await step("curl.sh stops at the first refusal", lacksCurl, async () => {
    const args = [...CURL, server.url, directory];
    const { code, stdout, stderr } = await runExample(server, args);
    assertEquals([code, stdout], [1, "One picture:\n"]);
    assertMatch(stderr, /"code":"unauthorized"/);
  });

  await step(
    "curl.sh makes, downloads, refers to and follows pictures, with the key",
    lacksCurl,
    async () => {
      const count = countWork(server);
      const args = [...CURL, server.url, directory];
      const { code, stdout, stderr } = await runExample(server, args, KEY);
      assertEquals(code, 0, stderr);
      const [one, bytes, four, reference, events] = sections(stdout);
      const saved = join(directory, "lighthouse.png");
      assertEquals(bytes, [saved]);
      const download = await Deno.readFile(saved);
      assertEquals(one.length, 1);
      assertEquals(await Deno.readFile(one[0]), download);
      assertEquals(four.length, 4);
      assertEquals(reference.length, 1);
      // How long it was drawn is too short to be told each time.
      const phases = events.slice(0, -1).filter((word) => word !== "drawing");
      assertEquals(phases.slice(-2), ["started", "saved"], stdout);
      const urls = [...four, ...reference, ...events.slice(-1)];
      const fetched = await Promise.all(
        urls.map(async (url) => await (await fetch(url)).bytes()),
      );
      await assertDistinct([download, ...fetched], 7);
      const edit = count.drawings.find(({ references }) => references?.length);
      assertEquals(edit?.references, [await digestOf(download)]);
    },
  );

  await step(
    "generate.py saves four pictures, whatever proxy there is",
    lacksPython,
    async () => {
      const { code, stdout, stderr } = await runExample(server, PYTHON, {
        ...KEY,
        http_proxy: "http://127.0.0.1:1",
        no_proxy: "",
      });
      assertEquals(code, 0, stderr);
      const lines = stdout.trimEnd().split("\n").map((line) => line.split(" "));
      await assertDistinctPngs(server, lines.map(([name]) => name), 4);
      assertEquals(new Set(lines.map(([, size]) => size)).size, 1);
    },
  );

  await step("generate.py says what the server says", lacksPython, async () => {
    const refused = [...PYTHON, ""];
    const { code, stdout, stderr } = await runExample(server, refused, KEY);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^Cannot use prompt.*\n$/);
  });

  await step(
    "generate.py leaves no worker after Ctrl-C",
    lacksPython,
    async () => {
      const count = countWork(server);
      const hanging = [...PYTHON, "a fox sandbox:hang"];
      const { ended, kill } = startExample(server, hanging, KEY);
      await count.untilDrawing(1);
      kill("SIGINT");
      const { code, stderr } = await ended;
      assertEquals([code, stderr], [130, ""]);
      await untilGone(server);
    },
  );

  for (const { command, ignore, name } of RUNTIMES) {
    await step(
      `${name} generate.mjs tells the progress and saves a picture`,
      ignore,
      async () => {
        const one = [...command, "a fox", "1"];
        const { code, stdout, stderr } = await runExample(server, one, KEY);
        assertEquals(code, 0, stderr);
        await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 1);
        assertMatch(stderr, /^1: started$/m);
        assertMatch(stderr, /^1: saved$/m);
      },
    );

    await step(
      `${name} generate.mjs saves what there is when a candidate fails`,
      ignore,
      async () => {
        const two = [...command, "a fox sandbox:moderation@1", "2"];
        const { code, stdout, stderr } = await runExample(server, two, KEY);
        assertEquals(code, 3);
        await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 1);
        assertMatch(stderr, /^1: .*safety system/m);
        assertMatch(stderr, /^2: saved$/m);
      },
    );

    await step(
      `${name} generate.mjs says what the server says, and sends the key`,
      ignore,
      async () => {
        const without = await runExample(server, command);
        assertEquals(without.code, 1);
        assertMatch(without.stderr, /^Cannot accept the request: .*key.*\n$/);
        const wrong = await runExample(server, [...command, "fox", "9"], KEY);
        assertEquals(
          wrong.stderr,
          "Cannot use count 9: expected a whole number from 1 to 4\n",
        );
      },
    );

    await step(
      `${name} generate.mjs asks for four pictures by itself, and leaves no worker after Ctrl-C`,
      ignore,
      async () => {
        const count = countWork(server);
        const before = filesIn(directory);
        const hanging = [...command, "a fox sandbox:hang"];
        const { ended, kill } = startExample(server, hanging, KEY);
        await count.untilDrawing(1);
        assertEquals(server.logLines("generate.start").at(-1)?.count, 4);
        kill("SIGINT");
        const { code, stderr } = await ended;
        assertEquals(code, 130);
        assertMatch(stderr, /^canceled$/m);
        await untilGone(server);
        assertEquals(filesIn(directory), before);
      },
    );
  }

  await step(
    "openai.mjs saves what it generates, and edits the first file",
    false,
    async () => {
      const count = countWork(server);
      // What "npm i openai" does for a user.
      const map = join(directory, "imports.json");
      const imports = { openai: manifest.imports.openai7 };
      await Deno.writeTextFile(map, JSON.stringify({ imports }));
      const { code, stdout, stderr } = await runExample(
        server,
        [...DENO, "--import-map", map, example("openai.mjs"), "an otter"],
        KEY,
      );
      assertEquals(code, 0, stderr);
      const names = ["generated-1.png", "generated-2.png", "edited-1.png"];
      assertEquals(stdout, `${names.join("\n")}\n`);
      await assertDistinctPngs(server, names, 3);
      const edit = count.drawings.at(-1);
      const first = await Deno.readFile(join(directory, names[0]));
      assertEquals(edit?.references, [await digestOf(first)]);
    },
  );
});

Deno.test("openai_sdk.py compiles", { ignore: lacksPython }, async () => {
  const compile = "import sys; compile(sys.stdin.read(), 'it', 'exec')";
  const source = await Deno.open(example("openai_sdk.py"));
  const child = new Deno.Command("python3", {
    args: ["-c", compile],
    stdin: "piped",
  }).spawn();
  await source.readable.pipeTo(child.stdin);
  assertEquals((await child.status).code, 0);
});

/** The lines below each of the headings. */
function sections(text: string): string[][] {
  const [, ...parts] = text.trimEnd().split(/^.*:$\n/m);
  return parts.map((part) => part.trimEnd().split("\n"));
}

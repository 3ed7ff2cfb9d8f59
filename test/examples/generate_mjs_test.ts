import { assertEquals, assertMatch } from "@std/assert";
import { countWork } from "../openai/work_count.ts";
import { filesIn } from "../support/test_server.ts";
import { startTestService } from "../support/service.ts";
import { example, lacks, runExample, startExample } from "./programs.ts";
import { assertDistinctPngs } from "./saved.ts";

const PATH = example("generate.mjs");
const RUNTIMES = [
  { name: "node", command: ["node", PATH], ignore: await lacks("node") },
  {
    name: "deno",
    command: [Deno.execPath(), "run", "--allow-all", PATH],
    ignore: false,
  },
];

const KEY = { CODEX_IMAGE_SERVER_API_KEY: "secret" };

for (const { name, command, ignore } of RUNTIMES) {
  Deno.test(`${name} generate.mjs`, { ignore }, async (test) => {
    await using server = await startTestService({
      API_KEY: KEY.CODEX_IMAGE_SERVER_API_KEY,
      // Of four pictures one is begun, and the others wait.
      MAX_WORKERS: "1",
    });

    await test.step("tells the progress and saves a picture", async () => {
      const { code, stdout, stderr } = await runExample(
        server,
        [...command, "a fox", "1"],
        KEY,
      );
      assertEquals(code, 0, stderr);
      await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 1);
      assertMatch(stderr, /^1: started$/m);
      assertMatch(stderr, /^1: saved$/m);
    });

    await test.step("saves what there is when a candidate fails", async () => {
      const { code, stdout, stderr } = await runExample(
        server,
        [...command, "a fox sandbox:moderation@1", "2"],
        KEY,
      );
      assertEquals(code, 3);
      await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 1);
      assertMatch(stderr, /^1: .*safety system/m);
      assertMatch(stderr, /^2: saved$/m);
    });

    await test.step("says what the server says, and sends the key", async () => {
      const without = await runExample(server, command);
      assertEquals(without.code, 1);
      assertMatch(without.stderr, /^Cannot accept the request: .*key.*\n$/);
      const wrong = await runExample(server, [...command, "fox", "9"], KEY);
      assertEquals(
        wrong.stderr,
        "Cannot use count 9: expected a whole number from 1 to 4\n",
      );
    });

    await test.step("asks for four pictures by itself, and leaves no worker after Ctrl-C", async () => {
      const count = countWork(server);
      const before = filesIn(server.place.directory);
      const { ended, kill } = startExample(
        server,
        [...command, "a fox sandbox:hang"],
        KEY,
      );
      await count.untilDrawing(1);
      assertEquals(server.logLines("generate.start").at(-1)?.count, 4);
      kill("SIGINT");
      const { code, stderr } = await ended;
      assertEquals(code, 130);
      assertMatch(stderr, /^canceled$/m);
      await server.untilIdle(10_000);
      assertEquals(filesIn(server.place.directory), before);
    });
  });
}

import { assertEquals, assertMatch } from "@std/assert";
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

for (const { name, command, ignore } of RUNTIMES) {
  Deno.test({
    name: `${name} generate.mjs tells the progress and saves four pictures`,
    ignore,
    fn: async () => {
      await using server = await startTestService();
      const { code, stdout, stderr } = await runExample(server, command);
      assertEquals(code, 0, stderr);
      await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 4);
      for (const index of [1, 2, 3, 4]) {
        assertMatch(stderr, RegExp(`^${index}: started$`, "m"));
        assertMatch(stderr, RegExp(`^${index}: saved$`, "m"));
      }
    },
  });

  Deno.test({
    name: `${name} generate.mjs saves what there is when a candidate fails`,
    ignore,
    fn: async () => {
      await using server = await startTestService();
      const { code, stdout, stderr } = await runExample(
        server,
        [...command, "a fox sandbox:moderation@1", "2"],
      );
      assertEquals(code, 3);
      await assertDistinctPngs(server, stdout.trimEnd().split("\n"), 1);
      assertMatch(stderr, /^1: .*safety system/m);
    },
  });

  Deno.test({
    name: `${name} generate.mjs says what the server says, and sends the key`,
    ignore,
    fn: async () => {
      await using server = await startTestService({ API_KEY: "secret" });
      const without = await runExample(server, command);
      assertEquals(without.code, 1);
      assertMatch(without.stderr, /^Cannot accept the request: .*key.*\n$/);
      const key = { CODEX_IMAGE_SERVER_API_KEY: "secret" };
      const wrong = await runExample(server, [...command, "fox", "9"], key);
      assertEquals(
        wrong.stderr,
        "Cannot use count 9: expected a whole number from 1 to 4\n",
      );
    },
  });

  Deno.test({
    name: `${name} generate.mjs leaves no worker after Ctrl-C`,
    ignore,
    fn: async () => {
      await using server = await startTestService();
      const before = filesIn(server.place.directory);
      const { ended, kill } = startExample(
        server,
        [...command, "a fox sandbox:hang", "3"],
      );
      await server.untilDrawing(3);
      kill("SIGINT");
      const { code, stderr } = await ended;
      assertEquals(code, 130);
      assertMatch(stderr, /^canceled$/m);
      await server.untilIdle();
      assertEquals(filesIn(server.place.directory), before);
    },
  });
}

import { assertEquals, assertMatch } from "@std/assert";
import { countWork } from "../openai/work_count.ts";
import { startTestService } from "../support/service.ts";
import { example, lacks, runExample, startExample } from "./programs.ts";
import { assertDistinctPngs } from "./saved.ts";

const ignore = await lacks("python3");
const command = ["python3", example("generate.py")];
const KEY = { CODEX_IMAGE_SERVER_API_KEY: "secret" };

Deno.test("generate.py", { ignore }, async (test) => {
  await using server = await startTestService({
    API_KEY: KEY.CODEX_IMAGE_SERVER_API_KEY,
    // Of four pictures one is begun, and the others wait.
    MAX_WORKERS: "1",
  });

  await test.step("saves four pictures, whatever proxy there is", async () => {
    const { code, stdout, stderr } = await runExample(server, command, {
      ...KEY,
      http_proxy: "http://127.0.0.1:1",
      no_proxy: "",
    });
    assertEquals(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n").map((line) => line.split(" "));
    await assertDistinctPngs(server, lines.map(([name]) => name), 4);
    assertEquals(new Set(lines.map(([, size]) => size)).size, 1);
  });

  await test.step("says what the server says", async () => {
    const refused = [...command, ""];
    const { code, stdout, stderr } = await runExample(server, refused, KEY);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^Cannot use prompt.*\n$/);
  });

  await test.step("leaves no worker after Ctrl-C", async () => {
    const count = countWork(server);
    const hanging = [...command, "a fox sandbox:hang"];
    const { ended, kill } = startExample(server, hanging, KEY);
    await count.untilDrawing(1);
    kill("SIGINT");
    const { code, stderr } = await ended;
    assertEquals([code, stderr], [130, ""]);
    await server.untilIdle(10_000);
  });
});

Deno.test({
  name: "openai_sdk.py compiles",
  ignore,
  fn: async () => {
    const compile = "import sys; compile(sys.stdin.read(), 'it', 'exec')";
    const source = await Deno.open(example("openai_sdk.py"));
    const child = new Deno.Command("python3", {
      args: ["-c", compile],
      stdin: "piped",
    }).spawn();
    await source.readable.pipeTo(child.stdin);
    assertEquals((await child.status).code, 0);
  },
});

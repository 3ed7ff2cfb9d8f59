import { assertEquals, assertMatch } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { example, lacks, runExample, startExample } from "./programs.ts";
import { assertDistinctPngs } from "./saved.ts";

const ignore = await lacks("python3");
const command = ["python3", example("generate.py")];

Deno.test({
  name: "generate.py saves four pictures, whatever proxy there is",
  ignore,
  fn: async () => {
    await using server = await startTestService({ API_KEY: "secret" });
    const { code, stdout, stderr } = await runExample(server, command, {
      CODEX_IMAGE_SERVER_API_KEY: "secret",
      http_proxy: "http://127.0.0.1:1",
      no_proxy: "",
    });
    assertEquals(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n").map((line) => line.split(" "));
    await assertDistinctPngs(server, lines.map(([name]) => name), 4);
    assertEquals(new Set(lines.map(([, size]) => size)).size, 1);
  },
});

Deno.test({
  name: "generate.py says what the server says",
  ignore,
  fn: async () => {
    await using server = await startTestService();
    const refused = [...command, "a fox sandbox:moderation"];
    const { code, stdout, stderr } = await runExample(server, refused);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^.*safety system.*\n$/);
  },
});

Deno.test({
  name: "generate.py leaves no worker after Ctrl-C",
  ignore,
  fn: async () => {
    await using server = await startTestService();
    const hanging = [...command, "a fox sandbox:hang"];
    const { ended, kill } = startExample(server, hanging);
    await server.untilDrawing(4);
    kill("SIGINT");
    const { code, stderr } = await ended;
    assertEquals([code, stderr], [130, ""]);
    await server.untilIdle();
  },
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

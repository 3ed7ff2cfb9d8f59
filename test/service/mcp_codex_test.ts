import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { findCodexBinary } from "../../src/codex/command.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

Deno.test("the Codex CLI makes a picture by the server that `codex mcp add` told it of", async () => {
  await using server = await startTestService();
  const { directory, outputDir, sandbox } = server.place;
  const home = join(directory, "agent");
  await writeSandboxLogin(home);
  await runCodex(home, ["mcp", "add", "images", "--url", `${server.url}/mcp`]);
  const text = await runCodex(home, [
    "exec",
    "--json",
    "--skip-git-repo-check",
    "-c",
    `openai_base_url="${sandbox.url}/v1"`,
    "-c",
    `chatgpt_base_url="${sandbox.url}/backend-api"`,
    "a fox sandbox:mcp=images",
  ]);
  const call = text.trim().split("\n").map((line) => JSON.parse(line).item)
    .findLast((item) => item?.type === "mcp_tool_call");
  assertEquals([call.tool, call.status], ["generate_image", "completed"]);
  const [file] = filesIn(outputDir).filter((name) => name.endsWith(".png"));
  assertStringIncludes(call.result.content[0].text, join(outputDir, file));
});

async function runCodex(home: string, args: string[]): Promise<string> {
  const command = new Deno.Command(findCodexBinary(), {
    args,
    clearEnv: true,
    cwd: home,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: home, CODEX_HOME: home },
    stdin: "null",
  });
  const { code, stderr, stdout } = await command.output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout);
}

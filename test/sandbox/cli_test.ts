import { assert, assertEquals } from "@std/assert";
import { findCodexBinary } from "../../src/codex/command.ts";
import { startSandbox } from "../../src/sandbox/backend.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";

const CODEX = findCodexBinary(
  Deno.env.get("CODEX_IMAGE_SERVER_CODEX_BIN") || undefined,
);

Deno.test("startSandbox() plays a model that waits for a program that Codex lets go on", async () => {
  const home = await Deno.makeTempDir();
  await using sandbox = startSandbox();
  await writeSandboxLogin(home);
  const settings = [
    `openai_base_url="${sandbox.url}/v1"`,
    `chatgpt_base_url="${sandbox.url}/backend-api"`,
    "features.code_mode.default_exec_yield_time_ms=500",
  ].flatMap((setting) => ["-c", setting]);
  const { code } = await new Deno.Command(CODEX, {
    args: [
      ...["exec", "--skip-git-repo-check", "--ignore-user-config"],
      ...[...settings, "--", "a fox sandbox:native=64x48 sandbox:slow=2000"],
    ],
    cwd: home,
    env: { CODEX_HOME: home, HOME: home },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  assertEquals(code, 0);
  const calls = sandbox.record.to("/v1/responses")
    .filter(({ method }) => method === "POST");
  // To draw, to wait, to say that it is done.
  assertEquals(calls.length, 3);
  const [image] = sandbox.record.to("/v1/images/generations");
  assert((image.answeredAt ?? 0) - image.at >= 2000);
  await Deno.remove(home, { recursive: true });
});

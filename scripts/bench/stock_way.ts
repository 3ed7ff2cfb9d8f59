import { join } from "@std/path";
import { findCodexBinary } from "../../src/codex/command.ts";
import { WORKER_TAG_VARIABLE } from "../../src/codex/process_tree.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import type { Making, Way } from "./way.ts";

/**
 * What a person does without us: `codex exec` with its stock settings, but for the address of the backend.
 *
 * @param directory A directory of its own.
 */
export async function openStockWay(
  directory: string,
  upstreamUrl: string,
): Promise<Way> {
  await writeSandboxLogin(directory);
  const mark = `bench-${crypto.randomUUID()}`;
  const settings = {
    openai_base_url: `${upstreamUrl}/v1`,
    chatgpt_base_url: `${upstreamUrl}/backend-api`,
  };
  const args = [
    "exec",
    "--json",
    "--skip-git-repo-check",
    ...Object.entries(settings)
      .flatMap(([name, value]) => ["-c", `${name}="${value}"`]),
  ];
  return {
    images: 1,
    mark,
    pictures: join(directory, "generated_images"),
    start: (prompt) =>
      run(directory, mark, [...args, `Generate an image: ${prompt}`]),
    // It is done when it has ended.
    settle: async () => {},
  };
}

function run(directory: string, mark: string, args: string[]): Making {
  const child = new Deno.Command(findCodexBinary(), {
    args,
    clearEnv: true,
    cwd: directory,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: directory,
      CODEX_HOME: directory,
      [WORKER_TAG_VARIABLE]: mark,
    },
    // A process group of its own, as a terminal would give it.
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  return {
    done: child.output().then(({ success, stderr }) => {
      if (success) return;
      throw new Error(`Cannot run Codex: ${new TextDecoder().decode(stderr)}`);
    }),
    cancel: () => Deno.kill(-child.pid, "SIGINT"),
  };
}

import { WORKER_TAG_VARIABLE } from "../../src/codex/process_tree.ts";

/** Starts a shell script that runs with a mark, as the leader of a session of its own. */
export function startMarked(mark: string, script: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", script],
    env: { PATH: Deno.env.get("PATH") ?? "", [WORKER_TAG_VARIABLE]: mark },
    clearEnv: true,
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Makes a mark that no other process has. */
export function newMark(): string {
  return `test-${crypto.randomUUID()}`;
}

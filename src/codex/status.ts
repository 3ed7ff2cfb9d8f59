import { workerEnvironment } from "./environment.ts";
import type { WorkerSetup } from "./worker.ts";

/** How long a question to the CLI may take, in milliseconds. */
const ANSWER_MS = 10_000;
const VERSION = /(\d+\.\d+\.\d+\S*)/;

/** The answer to a question to the CLI. */
export interface CodexStatus {
  /** Whether all is well. */
  readonly ok: boolean;
  /** What the CLI says, or why it cannot be asked. */
  readonly detail: string;
}

/** Asks the CLI for its version, such as `0.169.0`. */
export async function codexVersion(setup: WorkerSetup): Promise<CodexStatus> {
  const { ok, detail } = await ask(setup, ["--version"]);
  const version = VERSION.exec(detail)?.[1];
  return ok && version !== undefined
    ? { ok, detail: version }
    : { ok: false, detail };
}

/** Asks the CLI whether it is logged in with ChatGPT, which the image tool needs. */
export async function loginStatus(setup: WorkerSetup): Promise<CodexStatus> {
  const { ok, detail } = await ask(setup, ["login", "status"]);
  return { ok: ok && /ChatGPT/i.test(detail), detail };
}

/** Asks the CLI whether its image tool is switched on. */
export async function imageToolStatus(
  setup: WorkerSetup,
): Promise<CodexStatus> {
  const { ok, detail } = await ask(setup, ["features", "list"]);
  const row = detail.split("\n").find((row) => /^image_generation\s/.test(row));
  return {
    ok: ok && row !== undefined && /\strue\s*$/.test(row),
    detail: row?.replace(/\s+/g, " ").trim() ?? "image_generation is unknown",
  };
}

async function ask(
  setup: WorkerSetup,
  args: readonly string[],
): Promise<CodexStatus> {
  const env = workerEnvironment(setup.env, { ...setup, mark: "status" });
  try {
    const { success, stdout, stderr } = await new Deno.Command(setup.binary, {
      args: [...args],
      env,
      clearEnv: true,
      stdin: "null",
      signal: AbortSignal.timeout(ANSWER_MS),
    }).output();
    const said = [stdout, stderr]
      .flatMap((bytes) => new TextDecoder().decode(bytes).split("\n"))
      .filter((line) => line.trim() !== "" && !line.startsWith("WARNING"));
    return { ok: success, detail: said.join("\n") };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      ok: false,
      detail: `Cannot start Codex "${setup.binary}": ${error.message}`,
    };
  }
}

import { join } from "@std/path";
import { Codex, type CodexOptions } from "../../src/codex/codex.ts";
import { writePrompt } from "../../src/codex/prompt.ts";
import type { WorkerTask } from "../../src/codex/worker.ts";
import { probeUnfinished } from "../../src/images/probe.ts";
import {
  type SandboxBackend,
  startSandbox,
} from "../../src/sandbox/backend.ts";
import {
  type SandboxLoginOptions,
  writeSandboxLogin,
} from "../../src/sandbox/login.ts";
import { cliVariables } from "./variables.ts";

/** The real Codex CLI with the sandbox for its backend, in directories of its own. */
export interface SandboxedCodex extends AsyncDisposable {
  readonly codex: Codex;
  readonly sandbox: SandboxBackend;
  readonly dataDir: string;
  /** The directory with the login. */
  readonly authHome: string;
  readonly instance: string;
  /** The log's events, oldest first. */
  readonly events: string[];
  /** Makes the task of a worker. */
  task(
    words: string,
    options?: Partial<WorkerTask>,
  ): Omit<WorkerTask, "minimalInstructions">;
}

/** What is special about a {@linkcode SandboxedCodex}. */
export interface OpenCodexOptions extends Partial<CodexOptions> {
  /** The login; good for ten days when left out. */
  readonly login?: SandboxLoginOptions;
  /** The name of the data directory. */
  readonly name?: string;
}

/** Opens a {@linkcode SandboxedCodex}. */
export async function openCodex(
  { login, name = "data", ...options }: OpenCodexOptions = {},
): Promise<SandboxedCodex> {
  const root = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const dataDir = join(root, name);
  const authHome = join(dataDir, "auth");
  await writeSandboxLogin(authHome, login);
  const sandbox = startSandbox();
  const instance = crypto.randomUUID().replaceAll("-", "");
  const events: string[] = [];
  const codex = await Codex.open({
    dataDir,
    authHome,
    codexBin: undefined,
    minimalInstructions: true,
    model: undefined,
    upstreamUrl: sandbox.url,
    env: cliVariables(),
    instance,
    check: probeUnfinished,
    log: (_level, event) => events.push(event),
    ...options,
  });
  let tasks = 0;
  return {
    codex,
    sandbox,
    dataDir,
    authHome,
    instance,
    events,
    task: (words, options = {}) => ({
      input: writePrompt({ words, directions: [], originals: [], seen: [] }),
      images: [],
      directory: join(dataDir, "work", `${++tasks}`),
      workerTag: `${instance}.${tasks}`,
      ...options,
    }),
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

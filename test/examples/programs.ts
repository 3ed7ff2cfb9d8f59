import { fromFileUrl, join } from "@std/path";
import type { EndedProcess } from "../support/server_process.ts";
import type { TestService } from "../support/service.ts";

const EXAMPLES = fromFileUrl(new URL("../../examples", import.meta.url));

/** Gives the path of an example. */
export function example(name: string): string {
  return join(EXAMPLES, name);
}

/** An example under way. */
export interface RunningExample {
  /** Sends it a signal. */
  kill(signal: Deno.Signal): void;
  /** Its end, when all that it wrote has been read. */
  readonly ended: Promise<EndedProcess>;
}

/** Starts a program on an example as a user would, with a server's directory for its current folder. */
export function startExample(
  server: TestService,
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningExample {
  const child = new Deno.Command(program, {
    args,
    cwd: server.place.directory,
    env: { ...server.place.environment({}), IMAGE_SERVER: server.url, ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output().then(({ code, stdout, stderr }) => {
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  });
  return { kill: (signal) => child.kill(signal), ended };
}

/** Starts an example like {@linkcode startExample}, and waits for its end. */
export function runExample(
  server: TestService,
  command: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<EndedProcess> {
  return startExample(server, command, env).ended;
}

/** Whether this machine has no such program; says so where it has not. */
export async function lacks(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: ["--version"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log(`Cannot find ${program}: the examples for it are left out`);
  return true;
}

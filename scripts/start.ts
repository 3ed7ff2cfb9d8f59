/**
 * Runs the server with no more permissions than its settings need; `--watch` starts it anew on every change of its source.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path";
import { type Config, ConfigError, readConfig } from "../src/config.ts";

const SERVER = "src/main.ts";
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * What the allocator of Linux systems is told: to give back what is free, and to keep no heap for every thread. Without
 * that the memory of the server climbs with every conversion and every thousand requests.
 */
export const ALLOCATOR: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "65536",
};

/**
 * Writes the arguments with which `deno` runs the server.
 *
 * @param program What to run in its place.
 */
export function serverArguments(config: Config, program = SERVER): string[] {
  const { authHome, dataDir, host, logFile, outputDir } = config;
  const written = [dataDir, outputDir];
  if (logFile !== undefined) written.push(dirname(logFile));
  const hosts = ["127.0.0.1", "[::1]", "localhost", bracketed(host)];
  return [
    "run",
    "--no-prompt",
    "--allow-env",
    "--allow-run",
    "--allow-sys",
    "--allow-ffi",
    `--allow-net=${[...new Set(hosts)].join(",")}`,
    // The login is looked at; only the CLI writes there.
    `--allow-read=${listPaths([...written, authHome])}`,
    `--allow-write=${listPaths(written)}`,
    program,
  ];
}

async function main(flags: readonly string[]): Promise<number> {
  const env = Deno.env.toObject();
  const { config } = readConfig(env, Deno.cwd());
  const [run, ...args] = serverArguments(config);
  const server = new Deno.Command(Deno.execPath(), {
    args: [run, ...flags, ...args],
    env: { ...ALLOCATOR, ...env },
  }).spawn();
  for (const signal of ENDING_SIGNALS) {
    Deno.addSignalListener(signal, () => passOn(server, signal));
  }
  return (await server.status).code;
}

function passOn(server: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    server.kill(signal);
  } catch (error) {
    // The terminal has sent it to the server, too, which has ended by now.
    if (!(error instanceof TypeError)) throw error;
  }
}

function listPaths(paths: readonly string[]): string {
  const all = new Set(paths.flatMap((path) => [path, realPath(path)]));
  // Deno reads a list: a comma in a path is written twice.
  return [...all].map((path) => path.replaceAll(",", ",,")).join(",");
}

// What is asked of an open file needs a permission for the path behind all links; what is not there yet lies below one that is.
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}

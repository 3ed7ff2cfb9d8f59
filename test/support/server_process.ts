import { fromFileUrl } from "@std/path";
import { ALLOCATOR, serverArguments } from "../../scripts/start.ts";
import { readConfig } from "../../src/config.ts";
import { openPlace, type Place, type TestSettings } from "./place.ts";
import { TestServer } from "./test_server.ts";
import { until } from "./until.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const START = "scripts/start.ts";
/** How long a server may take to listen or to refuse, in milliseconds. */
const START_MS = 20_000;
const LISTENING = /"event":"server.listen","url":"([^"]+)"/;

/** How a process ended. */
export interface EndedProcess {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunningProcess {
  readonly child: Deno.ChildProcess;
  readonly stdout: { text: string };
  readonly stderr: { text: string };
  /** Its end, when all that it wrote has been read. */
  readonly ended: Promise<EndedProcess>;
}

/** The server in a process of its own. */
export class ServerProcess extends TestServer implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly #parts: AsyncDisposableStack;

  /** @param parts What ends with it. */
  constructor(
    server: ConstructorParameters<typeof TestServer>,
    process: RunningProcess,
    parts: AsyncDisposableStack,
  ) {
    super(...server);
    this.#process = process;
    this.#parts = parts;
  }

  /** The id of its process. */
  get pid(): number {
    return this.#process.child.pid;
  }

  /** Its end. */
  get ended(): Promise<EndedProcess> {
    return this.#process.ended;
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.child.kill(signal);
  }

  /** Kills it if it still runs, and removes its place if that is its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/**
 * Starts the server in a process of its own as the `start` task does, with no more permissions, and waits until it listens.
 *
 * @param settings What differs from `Place.environment({})`.
 * @param shared A place to use and to leave; when left out, one of its own.
 */
export async function spawnServer(
  settings: TestSettings = {},
  shared?: Place,
): Promise<ServerProcess> {
  await using parts = new AsyncDisposableStack();
  const place = shared ?? parts.use(await openPlace());
  const env = place.environment(settings);
  const { config } = readConfig(env, ROOT);
  const process = run(serverArguments(config), { ...ALLOCATOR, ...env });
  parts.defer(async () => {
    killIfAlive(process.child);
    await process.ended;
  });
  const url = await until(() => LISTENING.exec(process.stdout.text)?.[1], {
    ms: START_MS,
    state: () => process.stdout.text + process.stderr.text,
  });
  return new ServerProcess(
    [url, place, () => process.stdout.text, config.apiKey],
    process,
    parts.move(),
  );
}

/** Starts the server like {@linkcode spawnServer} where it is to end by itself, and waits for that. */
export async function runServer(
  settings: TestSettings,
  place: Place,
): Promise<EndedProcess> {
  const env = place.environment(settings);
  return await runDeno(["run", "--allow-all", START], env);
}

/** Runs `deno` with the repository for its directory, and waits for its end. */
export async function runDeno(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<EndedProcess> {
  const { child, ended } = run(args, env);
  const timer = setTimeout(() => killIfAlive(child), START_MS);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RunningProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = { text: "" };
  const stderr = { text: "" };
  const ended = Promise.all([
    child.status,
    collect(child.stdout, stdout),
    collect(child.stderr, stderr),
  ]).then(([{ code }]) => ({ code, stdout: stdout.text, stderr: stderr.text }));
  return { child, stdout, stderr, ended };
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  into: { text: string },
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    into.text += text;
  }
}

function killIfAlive(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
}

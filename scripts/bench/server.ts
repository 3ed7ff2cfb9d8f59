import { delay } from "@std/async/delay";
import { fromFileUrl, join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { PREFIX } from "../../src/settings.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const LOOK_MS = 20;

/** One line of the server's log. */
export interface LogLine {
  readonly event: string;
  readonly url?: string;
  readonly duration_ms?: number;
}

/** The server in a process of its own. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** Where its workers leave their pictures. */
  readonly pictures: string;
  /** What the marks of its workers begin with, and a `*`. */
  readonly mark: string;
  /** Its log so far. */
  readonly log: readonly LogLine[];
  /** Resolves when no worker runs. */
  idle(signal: AbortSignal): Promise<void>;
}

/** Starts a {@linkcode Server} on a free port. */
export async function startServer(
  directory: string,
  settings: Readonly<Record<string, string>>,
): Promise<Server> {
  const dataDir = join(directory, "data");
  const all = {
    PORT: "0",
    DATA_DIR: dataDir,
    OUTPUT_DIR: join(directory, "output"),
    ...settings,
  };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "src/main.ts"],
    cwd: ROOT,
    clearEnv: true,
    env: environment(all),
    // Ctrl-C is for us, who end it.
    detached: true,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const log: LogLine[] = [];
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      const entry: LogLine = JSON.parse(line);
      log.push(entry);
      if (entry.event === "server.listen") listening.resolve(entry.url ?? "");
    }
    listening.reject(new Error("Cannot start the server: it ended at once"));
  })();
  const url = await listening.promise;
  const health = async () => await (await fetch(`${url}/healthz`)).json();
  return {
    url,
    log,
    pictures: join(dataDir, "codex-home", "generated_images"),
    mark: `${await Deno.readTextFile(join(dataDir, "instance"))}.*`,
    idle: async (signal) => {
      while ((await health()).workers.active > 0) {
        await delay(LOOK_MS, { signal });
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
      await reading;
    },
  };
}

// Settings of whoever measures would measure something else.
function environment(
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  const foreign = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith(PREFIX));
  const own = Object.entries(settings)
    .map(([name, value]) => [PREFIX + name, value]);
  return Object.fromEntries([...foreign, ...own]);
}
